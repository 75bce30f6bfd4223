// Bundles the client into server/antiphon_server/static/: hashed assets, index.html and the font licences.
// `--outdir=DIR` writes elsewhere.

import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";
import { listStylesPlugin } from "./listStyles.mjs";

const MAX_FIRST_LOAD = 300 * 1024;
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const chosen = process.argv.find((argument) => argument.startsWith("--outdir="))?.slice("--outdir=".length);
const target = resolve(chosen ?? join(root, "../../server/antiphon_server/static"));
// Built beside the target and renamed, so that a running server never sees half a build.
const staging = `${target}.building`;

await rm(staging, { recursive: true, force: true });
await mkdir(staging, { recursive: true });
const common = {
  absWorkingDir: root,
  outdir: join(staging, "assets"),
  publicPath: "/assets/",
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
};
// The AudioWorklets are files of their own; the page is told their names.
const worklets = await esbuild.build({
  ...common,
  entryPoints: { synth: "src/jam/synth/synth.worklet.ts", band: "src/jam/band/band.worklet.ts" },
});
const workletUrl = (name) => {
  const file = Object.keys(worklets.metafile.outputs)
    .map((path) => basename(path))
    .find((each) => each.startsWith(`${name}-`) && each.endsWith(".js"));
  return JSON.stringify(`/assets/${file}`);
};
const result = await esbuild.build({
  ...common,
  entryPoints: { app: "src/main.tsx" },
  splitting: true,
  define: { SYNTH_WORKLET: workletUrl("synth"), BAND_WORKLET: workletUrl("band") },
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  plugins: [listStylesPlugin],
});

const built = Object.keys(result.metafile.outputs).map((path) => basename(path));
const script = built.find((name) => name.startsWith("app-") && name.endsWith(".js"));
const styles = built.find((name) => name.startsWith("app-") && name.endsWith(".css"));
const page = await readFile(join(root, "src/index.html"), "utf8");
await writeFile(
  join(staging, "index.html"),
  page.replace("{{script}}", `/assets/${script}`).replace("{{styles}}", `/assets/${styles}`),
);
await cp(join(root, "src/icon.svg"), join(staging, "icon.svg"));
for (const font of ["literata", "onest"]) {
  await cp(
    join(root, `node_modules/@fontsource-variable/${font}/LICENSE`),
    join(staging, `assets/${font}-OFL.txt`),
  );
}
// The typewriter's face of printed scripts: the server sets them, the page does not load it.
const typewriter = join(root, "node_modules/@expo-google-fonts/courier-prime");
await mkdir(join(staging, "fonts"));
for (const face of ["400Regular", "400Regular_Italic", "700Bold", "700Bold_Italic"]) {
  const name = `CourierPrime_${face}.ttf`;
  await cp(join(typewriter, face, name), join(staging, "fonts", name));
}
await cp(join(typewriter, "LICENSE_FONT"), join(staging, "fonts/courier-prime-OFL.txt"));
// The server's checker reads the Russian dictionary, the page does not. Guesses by n-grams would take half a second a word, and
// hold nothing that the others do not.
const dictionary = join(root, "node_modules/dictionary-ru");
await mkdir(join(staging, "dictionaries"));
const rules = await readFile(join(dictionary, "index.aff"), "utf8");
const changed = "# Modified for Antiphon: MAXNGRAMSUGS was added.\nMAXNGRAMSUGS 0\n";
await writeFile(join(staging, "dictionaries/ru.aff"), rules.replace("\n", `\n${changed}`));
await cp(join(dictionary, "index.dic"), join(staging, "dictionaries/ru.dic"));
await cp(join(dictionary, "license"), join(staging, "dictionaries/ru-LICENSE.txt"));
// The server sends these to browsers that take them, which is all: they are made once, here.
for (const name of await readdir(staging, { recursive: true })) {
  if (!/[.](js|css|html|svg)$/.test(name)) continue;
  await writeFile(join(staging, `${name}.gz`), gzipSync(await readFile(join(staging, name)), { level: 9 }));
}
await rm(target, { recursive: true, force: true });
await rename(staging, target);

// What the first visit loads: the entry and all that it imports at once. The jam comes when it is first opened.
const outputs = result.metafile.outputs;
const firstLoad = new Set();
const follow = (path) => {
  if (firstLoad.has(path)) return;
  firstLoad.add(path);
  for (const { path: next, kind } of outputs[path].imports) if (kind === "import-statement") follow(next);
};
follow(Object.keys(outputs).find((path) => basename(path) === script));
const zipped = async (name) => gzipSync(await readFile(join(target, "assets", name)), { level: 9 }).length;
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB gzipped`;
let first = 0;
for (const name of [...built, ...Object.keys(worklets.metafile.outputs).map((path) => basename(path))]) {
  if (!/[.](js|css)$/.test(name)) continue;
  const size = await zipped(name);
  const now = name === styles || [...firstLoad].some((path) => basename(path) === name);
  if (now) first += size;
  console.log(`${name}  ${kilobytes(size)}${now ? "" : ", when needed"}`);
}
console.log(`first load: ${kilobytes(first)}`);
if (first > MAX_FIRST_LOAD) {
  console.error(`more than ${kilobytes(MAX_FIRST_LOAD)}: load it lazily`);
  process.exit(1);
}
