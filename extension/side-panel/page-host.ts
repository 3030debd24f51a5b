/**
 * The host of the page beside the panel. Chrome tells its address only where the toolbar button was used (`activeTab`);
 * everywhere else it stays unknown, and that is right.
 */
export function watchPageHost(listener: (host: string | null) => void): void {
  const tell = async (): Promise<void> => {
    const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
    listener(tab?.url && /^https?:/.test(tab.url) ? new URL(tab.url).host : null);
  };
  chrome.tabs.onActivated.addListener(() => void tell());
  chrome.tabs.onUpdated.addListener((_id, change) => {
    if (change.url !== undefined || change.status === "complete") void tell();
  });
  void tell();
}
