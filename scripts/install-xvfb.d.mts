/** Whether Xvfb and xdotool are there, perhaps only now. */
export function installXvfb(): boolean;
