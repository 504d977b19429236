/**
 * Bundles the command line when the package is built (`node bundle.mjs DIST`): starting it takes a few files then, not
 * hundreds, which is most of the time that a short command takes. What a command loads later stays in files of its own.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const sources = fileURLToPath(new URL('../../', import.meta.url));
const PREFIX = 'bundle-';

/** What an index passes on, by name: the path of the module that has it, and its name there. */
async function exportsOf(index) {
  const found = new Map();
  const text = await readFile(index, 'utf8');
  for (const [, list, from] of text.matchAll(/^export \{([^}]*)\} from '(\.[^']+)';/gm)) {
    for (const item of list.split(',').map((name) => name.trim())) {
      const [, name, as = name] = /^(\w+)(?: as (\w+))?$/.exec(item) ?? [];
      if (name !== undefined) found.set(as, { name, path: resolve(dirname(index), from) });
    }
  }
  return found;
}

/**
 * Imports from an index become imports from the modules behind it. A bundle in parts gives a command all modules that an
 * index of its imports leads to, and with them most of the program; and no module of ours does anything by being loaded.
 */
function seeThroughIndexes() {
  const indexes = new Map();
  const through = async (text, path) => {
    const pieces = [];
    let at = 0;
    for (const match of text.matchAll(/^import \{([^}]*)\} from '(\.[^']*\/index\.ts)';$/gm)) {
      const index = resolve(dirname(path), match[2]);
      if (!indexes.has(index)) indexes.set(index, await exportsOf(index));
      const lines = match[1]
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && !name.startsWith('type '));
      const imports = lines.map((line) => {
        const [name, as = name] = line.split(' as ');
        const found = indexes.get(index).get(name);
        if (found === undefined) return `import { ${line} } from ${JSON.stringify(index)};`;
        return `import { ${found.name} as ${as} } from ${JSON.stringify(found.path)};`;
      });
      pieces.push(text.slice(at, match.index), imports.join(' '));
      at = match.index + match[0].length;
    }
    return pieces.join('') + text.slice(at);
  };
  return through;
}

/** Modules that look for files beside themselves find them where they would without the bundle: by their place in DIST. */
function keepPlaces(dist, outdir) {
  const seeThrough = seeThroughIndexes();
  return {
    name: 'keep-places',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await seeThrough(await readFile(path, 'utf8'), path);
        if (!text.includes('import.meta.url')) return { contents: text, loader: 'ts' };
        const compiled = join(dist, relative(sources, path).replace(/\.ts$/, '.js'));
        const place = relative(outdir, compiled).split(sep).join('/');
        const url = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
        return { contents: text.replaceAll('import.meta.url', url), loader: 'ts' };
      });
    },
  };
}

async function bundle(dist) {
  const outdir = join(dist, 'tools/cli');
  for (const name of await readdir(outdir)) if (name.startsWith(PREFIX)) await rm(join(outdir, name));
  await build({
    entryPoints: [join(sources, 'tools/cli/main.ts')],
    outdir,
    chunkNames: `${PREFIX}[name]-[hash]`,
    bundle: true,
    splitting: true,
    packages: 'external',
    minifySyntax: true,
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
    plugins: [keepPlaces(dist, outdir)],
  });
}

await bundle(resolve(process.argv[2] ?? ''));
