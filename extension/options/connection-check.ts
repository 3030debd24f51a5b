/** Asks the server whether it is there, and says in a sentence what came back. */
export async function checkConnection(server: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${server}/healthz`, { signal: AbortSignal.timeout(5_000) });
  } catch {
    return `No answer from ${server}. Start the server, and allow this extension in ALLOWED_EXTENSION_IDS (${chrome.runtime.id}) if it runs elsewhere.`;
  }
  if (response.ok) return `Connected to ${server}.`;
  if (response.status === 403) return `${server} refuses this extension. Add ${chrome.runtime.id} to its ALLOWED_EXTENSION_IDS.`;
  return `${server} answered ${response.status}. Is it chanl-chat's server?`;
}
