// Prints the bytes of the package as a page downloads it, bundled and minified: the script, also
// compressed, and in `lazy` what is fetched besides once a module needs it.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const { outputFiles, metafile } = await build({
  entryPoints: [new URL("../dist/index.js", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  metafile: true,
  minify: true,
  outdir: "bundled",
  platform: "browser",
  splitting: true,
  target: "es2022",
  write: false,
});
const outputs = Object.entries(metafile.outputs);
const contents = Object.fromEntries(outputs.map(([name], at) => [name, outputFiles[at].contents]));

/** A file and those that it imports at once. */
const together = (name) => [
  name,
  ...metafile.outputs[name].imports
    .filter(({ kind }) => kind === "import-statement")
    .flatMap(({ path }) => together(path)),
];
const [[entry]] = outputs.filter(([name]) => name.endsWith("/index.js"));
const main = [...new Set(together(entry))];
const total = (names, size) => names.reduce((sum, name) => sum + size(contents[name]), 0);
console.log(
  JSON.stringify({
    minified: total(main, (bytes) => bytes.length),
    gzip: total(main, (bytes) => gzipSync(bytes).length),
    lazy: total(
      Object.keys(contents).filter((name) => !main.includes(name)),
      (bytes) => bytes.length,
    ),
  }),
);
