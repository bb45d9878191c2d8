// Makes the bundles in ../tap/pages/static/vendor of the libraries that package-lock.json names, and says what is in them.

import {createHash} from "node:crypto";
import {readFile, readdir, writeFile, mkdir, rm} from "node:fs/promises";
import {gzipSync} from "node:zlib";
import {build} from "esbuild";

const TARGET = "../tap/pages/static/vendor";
const BUNDLES = ["editor", "htmx", "plotting", "samp"];

// Packages without a licence file of their own.
const LICENCES = {sampjs: "CC0-1.0"};

async function bundle(name) {
  const result = await build({
    entryPoints: [`bundles/${name}.js`], bundle: true, minify: true, format: "esm", target: "es2022",
    legalComments: "none", metafile: true, write: false,
  });
  const [{contents}] = result.outputFiles;
  await writeFile(`${TARGET}/${name}.js`, contents);
  return {name, contents, packages: packagesIn(result.metafile)};
}

function packagesIn(metafile) {
  const names = Object.keys(metafile.inputs).map(path => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}

async function about(name) {
  const folder = `node_modules/${name}`;
  const {version, license} = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  const file = (await readdir(folder)).find(entry => /^licen[cs]e/i.test(entry));
  const text = file ? await readFile(`${folder}/${file}`, "utf8") : `${LICENCES[name] ?? license}\n`;
  return {name, version, licence: license ?? named(text), text};
}

function named(text) {
  return /Zero[- ]Clause/i.test(text) ? "0BSD" : text.trim().split("\n")[0];
}

await rm(TARGET, {recursive: true, force: true});
await mkdir(TARGET, {recursive: true});
const bundles = await Promise.all(BUNDLES.map(bundle));
const packages = await Promise.all([...new Set(bundles.flatMap(({packages}) => packages))].sort().map(about));
const manifest = {
  bundles: Object.fromEntries(bundles.map(({name, contents, packages}) => [`${name}.js`, {
    sha256: createHash("sha256").update(contents).digest("hex"),
    bytes: contents.length,
    gzip: gzipSync(contents, {level: 9}).length,
    packages,
  }])),
  packages: Object.fromEntries(packages.map(({name, version, licence}) => [name, {version, licence}])),
};
await writeFile(`${TARGET}/manifest.json`, JSON.stringify(manifest, null, 2) + "\n");
const licences = packages.map(({name, version, text}) => `${name} ${version}\n${"=".repeat(60)}\n${text.trim()}\n`);
await writeFile(`${TARGET}/LICENCES.txt`, licences.join("\n\n"));
await writeFile("../tests/browser_pages/axe.min.js", await readFile("node_modules/axe-core/axe.min.js"));
