/**
 * The origins whose images need no click, from what an owner wrote: origins (`https://img.example.com`), hosts, which are taken as
 * https (`img.example.com:8443`), and `data:` for images in the text itself. Anything else is said in the console and trusts nobody.
 */
export function imageOrigins(hosts: unknown): string[] {
  if (!Array.isArray(hosts)) {
    console.warn("<chanl-chat> allowImageHosts must be an array of strings. No image is shown without a click.");
    return [];
  }
  return hosts.flatMap((host: unknown) => {
    const origin = originOf(String(host));
    if (origin !== null) return [origin];
    console.warn(
      `<chanl-chat> allow-image-hosts: "${String(host)}" is left out. Write an origin ("https://img.example.com"), a host ("img.example.com") or "data:"; paths and wildcards are not understood.`,
    );
    return [];
  });
}

function originOf(host: string): string | null {
  if (host === "data:") return host;
  if (host.includes("*")) return null;
  try {
    const { href, origin, protocol } = new URL(host.includes("://") ? host : `https://${host}`);
    return /^https?:$/.test(protocol) && href === `${origin}/` ? origin : null;
  } catch {
    return null;
  }
}
