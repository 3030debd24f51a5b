/** A chat drawn by one's own components: `useStreamingChat` gives the state, React the looks. */
import { StrictMode, useState, type FormEvent, type ReactElement } from "react";
import { createRoot } from "react-dom/client";

import { useStreamingChat } from "../react/index.ts";
import type { ChatMessage, MessagePart } from "../shared/index.ts";

function Part({ part }: { part: MessagePart }): ReactElement {
  switch (part.type) {
    case "text":
      return <p className="text">{part.text}</p>;
    case "reasoning":
      return <p className="reasoning">{part.text}</p>;
    case "tool_call":
      return (
        <details className="tool" open={part.state === "input-streaming"}>
          <summary>
            {part.name} · {part.state}
          </summary>
          <code>{part.argumentsText}</code>
        </details>
      );
    case "context":
      return <p className="source">{part.title}</p>;
    case "source":
      return part.url ? (
        <a className="source" href={part.url} target="_blank" rel="noopener noreferrer">
          {part.title}
        </a>
      ) : (
        <span className="source">{part.title}</span>
      );
  }
}

function Message({ message }: { message: ChatMessage }): ReactElement {
  return (
    <article className={message.role} data-status={message.status}>
      <h2>{message.role === "user" ? "You" : "Assistant"}</h2>
      {message.parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
      {message.error && <p role="alert">{message.error.message}</p>}
    </article>
  );
}

function Chat(): ReactElement {
  const [calls, setCalls] = useState<string[]>([]);
  const { messages, isStreaming, ttft, tokensPerSecond, send, cancel } = useStreamingChat("docs", {
    onToolCall: (call) => setCalls((before) => [...before, call.name]),
  });
  const [draft, setDraft] = useState("How do I embed the widget?");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void send(draft);
    setDraft("");
  };
  return (
    <main>
      <h1>useStreamingChat</h1>
      <p>
        The same session as the widget's, drawn by React components. <a href="/">Back to the widget</a>
      </p>
      <section aria-label="Conversation">
        {messages.map((message) => (
          <Message key={message.id} message={message} />
        ))}
      </section>
      <form onSubmit={submit}>
        <label htmlFor="draft">Message</label>
        <input id="draft" value={draft} onChange={(event) => setDraft(event.target.value)} autoComplete="off" />
        {isStreaming ? (
          <button type="button" onClick={() => void cancel()}>
            Stop
          </button>
        ) : (
          <button type="submit" disabled={draft.trim() === ""}>
            Send
          </button>
        )}
      </form>
      <p id="metrics">
        {ttft === null ? "Nothing asked yet" : `First token after ${(ttft / 1000).toFixed(2)} s`}
        {tokensPerSecond === null ? "" : ` · ${Math.round(tokensPerSecond)} tok/s`}
        {calls.length === 0 ? "" : ` · tools called: ${calls.join(", ")}`}
      </p>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Chat />
  </StrictMode>,
);
