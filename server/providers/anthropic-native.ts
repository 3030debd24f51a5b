/**
 * A turn of Claude as it came, block by block. Thinking is signed, and a model that thinks refuses the next turn when the
 * thinking before its call does not come back as it was.
 */
import { jsonOf, record, text, type UnknownRecord } from "../../shared/dialects/payload.ts";

type Block = Record<string, unknown>;

export class AnthropicRecorder {
  readonly #blocks = new Map<number, { block: Block; json: string }>();
  #needed = false;

  /** The content to send back, at the event that says that tools are called; `undefined` while there is none, or nothing to keep. */
  read(payload: UnknownRecord): Block[] | undefined {
    const index = typeof payload["index"] === "number" ? payload["index"] : 0;
    switch (payload["type"]) {
      case "content_block_start": {
        const block = { ...record(payload["content_block"]) };
        if (block["type"] !== "text" && block["type"] !== "tool_use") this.#needed = true;
        this.#blocks.set(index, { block, json: "" });
        return undefined;
      }
      case "content_block_delta":
        this.#add(index, record(payload["delta"]) ?? {});
        return undefined;
      case "message_delta":
        if (record(payload["delta"])?.["stop_reason"] !== "tool_use" || !this.#needed) return undefined;
        return [...this.#blocks.values()].map(({ block, json }) => withInput(block, json)).filter((block) => block["text"] !== "");
      default:
        return undefined;
    }
  }

  #add(index: number, delta: UnknownRecord): void {
    const open = this.#blocks.get(index);
    if (!open) return;
    const { block } = open;
    if (delta["type"] === "input_json_delta") open.json += text(delta["partial_json"]) ?? "";
    else if (delta["type"] === "citations_delta")
      block["citations"] = [...((block["citations"] as unknown[] | undefined) ?? []), delta["citation"]];
    else {
      for (const key of ["text", "thinking", "signature"]) {
        const added = text(delta[key]);
        if (added !== undefined) block[key] = (text(block[key]) ?? "") + added;
      }
    }
  }
}

function withInput(block: Block, json: string): Block {
  return json === "" ? block : { ...block, input: jsonOf(json) ?? {} };
}
