// Bundles the dashboard into ../static, from where build.rs takes it into the program. Files keep their time if nothing in them has
// changed, so that a build without news costs the Rust build nothing.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";

const here = import.meta.dirname;
const target = resolve(here, "../static");

const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    entryPoints: { app: "src/main.tsx", early: "src/early.ts", style: "src/styles/index.css", icon: "src/icon.svg" },
    outdir: target,
    entryNames: "assets/[name]-[hash]",
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022"],
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".svg": "copy" },
    legalComments: "none",
    metafile: true,
    write: false,
});

/** The written file of a source, below the dashboard. */
function written(source) {
    const found = Object.entries(metafile.outputs).find(([, output]) => source in output.inputs);
    if (!found) throw new Error(`esbuild has written nothing for ${source}`);
    return relative(target, resolve(here, found[0]));
}

const template = await readFile(join(here, "src/index.html"), "utf8");
const index = template.replace(/\{(src\/[^}]+)\}/g, (_, source) => `/dashboard/${written(source)}`);
const files = new Map(outputFiles.map((file) => [relative(target, file.path), Buffer.from(file.contents)]));
files.set("index.html", Buffer.from(index));

await mkdir(join(target, "assets"), { recursive: true });
for (const old of await readdir(target, { recursive: true, withFileTypes: true })) {
    const path = relative(target, join(old.parentPath, old.name));
    if (old.isFile() && old.name !== ".gitignore" && !files.has(path)) await rm(join(target, path));
}
for (const [path, content] of files) {
    const before = await readFile(join(target, path)).catch(() => undefined);
    if (!before?.equals(content)) await writeFile(join(target, path), content);
    console.log(`static/${path}  ${content.length} bytes`);
}
