import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../src', import.meta.url));

/** From the top of the stack to the bottom: a layer imports only from layers after it. */
const layers = ['tools', 'virt', 'drivers', 'machine', 'hypervisor', 'cpu', 'isa', 'util'];

interface Import {
  from: string;
  to: string;
}

function sources(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.ts'))
    .map((f) => join(src, f));
}

function imports(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const m of text.matchAll(/(?:from|import\(|import|new URL\()\s*['"](\.{1,2}\/[^'"]+\.ts)['"]/g)) {
    found.push({ from: relative(src, file), to: relative(src, resolve(dirname(file), m[1] ?? '')) });
  }
  return found;
}

function layerOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** What is wrong with an import, or undefined. `src/index.ts`, the package's face, stands above all layers. */
function violation({ from, to }: Import): string | undefined {
  const a = layerOf(from);
  const b = layerOf(to);
  if (a === '' || a === b) return undefined;
  const down = layers.indexOf(a) < layers.indexOf(b) && layers.includes(b);
  if (!layers.includes(a)) return `${from}: '${a}' is not a layer`;
  if (!down) return `${from} imports ${to}: '${a}' may not import '${b}'`;
  if (to !== `${b}/index.ts`) return `${from} imports ${to}: other layers are imported through their index.ts`;
  return undefined;
}

describe('architecture', () => {
  it('tells allowed imports from forbidden ones', () => {
    assert.equal(violation({ from: 'cpu/a.ts', to: 'isa/index.ts' }), undefined);
    assert.equal(violation({ from: 'cpu/a.ts', to: 'cpu/b.ts' }), undefined);
    assert.match(violation({ from: 'isa/a.ts', to: 'cpu/index.ts' }) ?? '', /may not import/);
    assert.match(violation({ from: 'cpu/a.ts', to: 'isa/csr.ts' }) ?? '', /index\.ts/);
    assert.match(violation({ from: 'odd/a.ts', to: 'isa/index.ts' }) ?? '', /not a layer/);
  });

  it('has imports only downward and only through index.ts', () => {
    const all = sources().flatMap(imports);
    assert.ok(all.length > 20, 'found hardly any imports: is the parser broken?');
    assert.deepEqual(all.map(violation).filter(Boolean), []);
  });

  it('keeps Node out of the instruction set and the CPU', () => {
    const offenders = sources()
      .map((f) => relative(src, f))
      .filter((f) => /^(isa|cpu)\//.test(f) && !f.startsWith('isa/gen/') && !f.startsWith('cpu/native/'))
      .filter((f) => /from 'node:/.test(readFileSync(join(src, f), 'utf8')));
    assert.deepEqual(offenders, []);
  });
});
