// Prints the bytes of the package as a page downloads it: bundled and minified, then compressed.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: [new URL("../dist/index.js", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  minify: true,
  platform: "browser",
  target: "es2022",
  write: false,
});
const [{ contents }] = outputFiles;
console.log(JSON.stringify({ minified: contents.length, gzip: gzipSync(contents).length }));
