/**
 * A table of contents: every listener is registered synchronously, because the worker may be started again for any event.
 * It never holds a stream: the panel reads it, and the gateway owns the run. It hears no messages: see intent.ts.
 */
import { createMenus, onCommand, onMenu } from "./ask.ts";
import { onEntered, onTyping } from "./omnibox.ts";
import { migrateSettings } from "./settings-migrations.ts";
import { guardStorage } from "./storage-access.ts";
import { rememberClosed, rememberOpen, togglePanel } from "./toggle.ts";

chrome.runtime.onInstalled.addListener(createMenus);
chrome.runtime.onInstalled.addListener(() => void migrateSettings());
chrome.runtime.onStartup.addListener(guardStorage);
chrome.action.onClicked.addListener(togglePanel);
chrome.contextMenus.onClicked.addListener(onMenu);
chrome.commands.onCommand.addListener(onCommand);
chrome.omnibox.onInputStarted.addListener(onTyping);
chrome.omnibox.onInputEntered.addListener(onEntered);
chrome.sidePanel.onOpened.addListener(rememberOpen);
chrome.sidePanel.onClosed.addListener(rememberClosed);
guardStorage();
