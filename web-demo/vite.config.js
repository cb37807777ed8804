import { defineConfig } from "vite";

// `base`: the page works under any path. No module preload: its helper would be inline code.
export default defineConfig({
  base: "./",
  worker: { format: "es" },
  build: { target: "es2022", modulePreload: false, assetsInlineLimit: 0 },
});
