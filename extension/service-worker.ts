/**
 * A table of contents: every listener is registered synchronously, because the worker may be started again for any event.
 * It never holds a stream: the panel reads it, and the gateway owns the run.
 */
import { rememberOpen, rememberClosed, togglePanel } from "./toggle.ts";

chrome.action.onClicked.addListener(togglePanel);
chrome.sidePanel.onOpened.addListener(rememberOpen);
chrome.sidePanel.onClosed.addListener(rememberClosed);
