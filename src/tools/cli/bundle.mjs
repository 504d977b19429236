/**
 * Bundles the command line when the package is built (`node bundle.mjs DIST`): starting it takes a few files then, not
 * hundreds, which is most of the time that a short command takes. What a command loads later stays in files of its own.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const sources = fileURLToPath(new URL('../../', import.meta.url));
const PREFIX = 'bundle-';

/** Modules that look for files beside themselves find them where they would without the bundle: by their place in DIST. */
function keepPlaces(dist, outdir) {
  return {
    name: 'keep-places',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        if (!text.includes('import.meta.url')) return undefined;
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
