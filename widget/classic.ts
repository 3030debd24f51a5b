/** The classic script, for pages that cannot use `type="module"`: loads the module that lies beside it. */

{
  const script = document.currentScript as HTMLScriptElement | null;
  void import(/* @vite-ignore */ new URL("chanl-chat.js", script?.src ?? document.baseURI).href);
}
