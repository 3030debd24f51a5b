/** A model's name → who runs it. Names are `anthropic/…`, `openai/…`, `openai-responses/…`, `gemini/…` or `docs-guide`. */
import { ERROR_MESSAGES, GatewayError } from "../errors.ts";
import type { Provider } from "./provider.ts";

const CHECK_TIMEOUT_MS = 5000;

export interface RegisteredProvider {
  /** Missing when nothing is configured for it. */
  provider: Provider | undefined;
  /** What to set so that it is. */
  setting: string;
}

export interface ResolvedModel {
  provider: Provider;
  /** The provider's own id of the model. */
  model: string;
}

export class ModelRegistry {
  /** The model of agents that name none. */
  readonly defaultModel: string;
  readonly #providers: ReadonlyMap<string, RegisteredProvider>;

  constructor(providers: ReadonlyMap<string, RegisteredProvider>, defaultModel: string) {
    this.#providers = providers;
    this.defaultModel = defaultModel;
  }

  /**
   * @throws GatewayError `provider_auth` naming the setting when the model's provider is not configured.
   */
  resolve(name: string): ResolvedModel {
    const { prefix, model } = this.#split(name);
    const registered = this.#providers.get(prefix);
    if (!registered?.provider) {
      throw new GatewayError("provider_auth", { message: ERROR_MESSAGES.missingKey(registered?.setting ?? "a provider for it") });
    }
    return { provider: registered.provider, model };
  }

  /** What is known to be wrong with a model or its key, after at most 5 s. */
  async check(name: string): Promise<string | undefined> {
    const { prefix, model } = this.#split(name);
    const registered = this.#providers.get(prefix);
    if (!registered?.provider) return `the model ${name} needs ${registered?.setting ?? "a provider for it"}`;
    return registered.provider.check?.(model, AbortSignal.timeout(CHECK_TIMEOUT_MS));
  }

  /** Ids without a prefix are Anthropic's when they begin with `claude`, Gemini's with `gemini-`, else the OpenAI-compatible server's. */
  #split(name: string): { prefix: string; model: string } {
    if (this.#providers.has(name)) return { prefix: name, model: name };
    const slash = name.indexOf("/");
    const prefix = name.slice(0, Math.max(0, slash));
    if (this.#providers.has(prefix)) return { prefix, model: name.slice(slash + 1) };
    return { prefix: name.startsWith("claude") ? "anthropic" : name.startsWith("gemini-") ? "gemini" : "openai", model: name };
  }
}
