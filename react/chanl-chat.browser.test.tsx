import { useState, type ReactElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, expect, test, vi } from "vitest";

import { ChatSession } from "../shared/index.ts";
import { ScriptedTransport } from "../widget/testing/scripted-transport.ts";
import { ChanlChat } from "./index.ts";

let root: Root;

function mount(element: ReactElement): void {
  root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(element);
}

afterEach(() => {
  root.unmount();
  document.body.replaceChildren();
});

test("props become the element's properties, and follow a render", async () => {
  function Page(): ReactElement {
    const [name, setName] = useState("Ada");
    return (
      <>
        <ChanlChat endpoint="/api/chat" agentId="docs" name={name} starters={["One?", "Two?"]} showMetrics className="chat" />
        <button onClick={() => setName("Grace")}>rename</button>
      </>
    );
  }
  mount(<Page />);
  const find = (): Element | null | undefined => document.querySelector("chanl-chat.chat")?.shadowRoot?.querySelector('[part~="title"]');
  await vi.waitFor(() => expect(find()?.textContent).toContain("Ada"));
  const chat = document.querySelector("chanl-chat")!;
  expect(chat.agentId).toBe("docs");
  expect(chat.showMetrics).toBe(true);
  expect(chat.starters).toEqual(["One?", "Two?"]);
  document.querySelector("button")!.click();
  await vi.waitFor(() => expect(find()?.textContent).toContain("Grace"));
});

test("each attribute of the element is a prop", async () => {
  mount(<ChanlChat attachments accept="image/*" maxFileSize={1_000} maxFiles={2} hotkey="mod+k" maxLength={80} />);
  await vi.waitFor(() => expect(document.querySelector("chanl-chat")?.maxLength).toBe(80));
  const { attachments, accept, maxFileSize, maxFiles, hotkey } = document.querySelector("chanl-chat")!;
  expect([attachments, accept, maxFileSize, maxFiles, hotkey]).toEqual([true, "image/*", 1_000, 2, "mod+k"]);
});

test("a session of one's own is shown, and events reach the newest handler once", async () => {
  const session = new ChatSession({ transport: new ScriptedTransport(), agentId: "docs" });
  const heard: string[] = [];
  function Page({ label }: { label: string }): ReactElement {
    return (
      <ChanlChat
        session={session}
        on={{ "chanl-ready": () => void heard.push(label), "chanl-before-send": (event) => event.preventDefault() }}
      />
    );
  }
  mount(<Page label="first" />);
  await vi.waitFor(() => expect(document.querySelector("chanl-chat")?.session).toBe(session));
  root.render(<Page label="second" />);
  await vi.waitFor(() => expect(heard).toHaveLength(1));
  await document.querySelector("chanl-chat")!.send("not this time");
  expect(session.getSnapshot().messages).toEqual([]);
});
