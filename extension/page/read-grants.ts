/** Which origins a conversation may read. Until the browser closes, so that a panel that opens again need not ask again. */

const key = (conversationId: string): string => `reads:${conversationId}`;

export async function mayRead(conversationId: string, origin: string): Promise<boolean> {
  const origins: unknown = (await chrome.storage.session.get(key(conversationId)))[key(conversationId)];
  return Array.isArray(origins) && origins.includes(origin);
}

export async function allowReading(conversationId: string, origin: string): Promise<void> {
  const name = key(conversationId);
  const origins: unknown = (await chrome.storage.session.get(name))[name];
  await chrome.storage.session.set({ [name]: [...new Set([...(Array.isArray(origins) ? origins : []), origin])] });
}
