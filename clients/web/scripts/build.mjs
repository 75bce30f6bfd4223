// Bundles the client into server/antiphon_server/static/: hashed assets, index.html and the font licences.
// `--outdir=DIR` writes elsewhere.

import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const chosen = process.argv.find((argument) => argument.startsWith("--outdir="))?.slice("--outdir=".length);
const target = resolve(chosen ?? join(root, "../../server/antiphon_server/static"));
// Built beside the target and renamed, so that a running server never sees half a build.
const staging = `${target}.building`;

await rm(staging, { recursive: true, force: true });
await mkdir(staging, { recursive: true });
const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints: { app: "src/main.tsx" },
  outdir: join(staging, "assets"),
  publicPath: "/assets/",
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
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
await rm(target, { recursive: true, force: true });
await rename(staging, target);

for (const name of [script, styles]) {
  const data = await readFile(join(target, "assets", name));
  console.log(`${name}  ${(gzipSync(data, { level: 9 }).length / 1024).toFixed(1)} KB gzipped`);
}
