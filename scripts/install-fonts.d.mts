export function missingFonts(): string[];
export function installFonts(): string[];
