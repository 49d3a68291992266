// Bundles src/ into templates/static/built: files with a hash of their content in the name, and manifest.json, which
// has the name of each. LICENSES.txt has the licence of each package that is in them.
import { copyFileSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";

process.chdir(import.meta.dirname);
const out = "../templates/static/built";

const { metafile } = await build({
  entryPoints: ["src/desk.js", "src/public.js", "src/own-email.js", "src/source.js"],
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

const manifest = { "axe.min.js": "axe.min.js" };
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint) manifest[basename(entryPoint)] = basename(file);
}
copyFileSync("node_modules/axe-core/axe.min.js", join(out, "axe.min.js"));
const bundled = Object.keys(metafile.inputs).map((file) => /^node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
const licences = [...new Set([...bundled, "axe-core"])].filter((name) => name !== undefined).sort().map((name) => {
  const [file] = readdirSync(join("node_modules", name)).filter((each) => /^licen[cs]e/i.test(each));
  return `${name}\n\n${readFileSync(join("node_modules", name, file), "utf8").trim()}\n`;
});
writeFileSync(join(out, "LICENSES.txt"), licences.join("\n----\n\n"));
// Last, and at once: a page that is being made finds the old names or the new ones.
writeFileSync(join(out, "manifest.new"), JSON.stringify(manifest, null, 2) + "\n");
renameSync(join(out, "manifest.new"), join(out, "manifest.json"));

const kept = new Set(["manifest.json", "LICENSES.txt", "axe.min.js", ...Object.keys(metafile.outputs).map((file) => basename(file))]);
for (const name of readdirSync(out)) if (!kept.has(name)) rmSync(join(out, name));
