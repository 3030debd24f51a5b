/** Scripts in web pages never see what the extension stores: by default `storage.local` and `storage.sync` are open to injected scripts. */
export function guardStorage(): void {
  for (const area of [chrome.storage.local, chrome.storage.sync, chrome.storage.session]) {
    void area.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
  }
}
