/**
 * A random id of 122 bits, as a UUID of version 4 (RFC 9562 §5.4). Pages without HTTPS have no `crypto.randomUUID`, but they do
 * have chats. In the pattern 0 and 1 are random digits, 8 is one of 8 to b.
 */
export function randomId(): string {
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) => {
    const random = crypto.getRandomValues(new Uint8Array(1))[0]!;
    return (digit === "8" ? 8 | (random & 3) : random & 15).toString(16);
  });
}
