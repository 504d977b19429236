import { strict as assert } from 'node:assert';
import { formatCpuList, parseCpuList } from '../../../src/tools/cli/virsh/cpu-list.ts';
import { quoteWord, splitLine, splitPartialLine } from '../../../src/tools/cli/virsh/line.ts';
import { formatJson, formatTable, printable } from '../../../src/tools/cli/virsh/output.ts';
import { parseSize, prettySize } from '../../../src/tools/cli/virsh/units.ts';
import { element, escapeXml, parseXml } from '../../../src/tools/cli/virsh/xml.ts';

describe('lines of commands', () => {
  it('are words in the ways of the shell', () => {
    assert.deepEqual(splitLine(`a 'b c' "d \\"e" f\\ g;;h '' # i`), [
      ['a', 'b c', 'd "e', 'f g'],
      ['h', ''],
    ]);
    assert.deepEqual(splitLine(' ; ;'), []);
    assert.throws(() => splitLine('a "b'), /missing "/);
  });

  it('can end anywhere for completion', () => {
    assert.deepEqual(splitPartialLine('a b; c d'), {
      commands: [
        ['a', 'b'],
        ['c', 'd'],
      ],
      inWord: true,
      openQuote: undefined,
      wordStart: 7,
    });
    assert.equal(splitPartialLine('a ').inWord, false);
    assert.equal(splitPartialLine("a 'b").openQuote, "'");
  });

  it('read a quoted word as it was', () => {
    for (const word of ['plain', 'two words', "it's", '$HOME;`x`', '\\', '"', '']) {
      assert.deepEqual(splitLine(`x ${quoteWord(word)}`), [['x', word]]);
    }
  });
});

describe('sizes', () => {
  it('are read with and without a unit', () => {
    const cases: [string, bigint, bigint | undefined][] = [
      ['1', 1024n, 1024n],
      ['1b', 1024n, 1n],
      ['1K', 1n, 1024n],
      ['1KiB', 1n, 1024n],
      ['1KB', 1n, 1000n],
      ['2 gib', 1n, 2n ** 31n],
      ['16EiB', 1n, undefined],
      ['15EiB', 1n, 15n * 2n ** 60n],
      ['1.5G', 1n, undefined],
      ['-1', 1n, undefined],
      ['', 1n, undefined],
      ['1X', 1n, undefined],
    ];
    for (const [text, factor, bytes] of cases) assert.equal(parseSize(text, factor), bytes, text);
  });

  it('are shown in the largest unit that is not more than they are', () => {
    assert.deepEqual(
      [0n, 1023n, 1024n, 1536n, 2n ** 40n, 2n ** 64n - 1n].map((bytes) => prettySize(bytes)),
      ['0.00 B', '1023.00 B', '1.00 KiB', '1.50 KiB', '1.00 TiB', '16.00 EiB'],
    );
    assert.equal(prettySize(1536n, 3), '1.500 KiB');
  });
});

describe('lists of CPUs', () => {
  it('are the same text again', () => {
    for (const list of ['0', '0-3', '1,3,5-7', '0-15']) assert.equal(formatCpuList(parseCpuList(list, 16), 16), list);
    assert.equal(formatCpuList(parseCpuList('0-7,^3', 8), 8), '0-2,4-7');
    assert.equal(formatCpuList(parseCpuList('r', 5), 5), '0-4');
  });

  it('are refused when they name what there is not, or nothing', () => {
    for (const list of ['3-1', '', 'x', '0,^0', '-1'])
      assert.throws(() => parseCpuList(list, 8), /Invalid cpulist/, list);
    assert.throws(() => parseCpuList('8', 8), /CPU 8 in cpulist '8' exceed the maxcpu 8/);
  });
});

describe('tables', () => {
  it('keep their columns with wide characters', () => {
    assert.equal(
      formatTable(
        ['A', 'B'],
        [
          ['日本', 'x'],
          ['ab', 'y'],
        ],
      ),
      ' A      B\n-----------\n 日本   x\n ab     y\n',
    );
  });

  it('have nothing in them that moves the cursor', () => {
    assert.equal(printable('a\u001b[2J\nb\u009b'), 'a\\x1b[2J\\x0ab\\x9b');
  });
});

describe('JSON', () => {
  it('has numbers where they are exact, and text where they would not be', () => {
    assert.equal(formatJson({ a: 1n, b: 2n ** 53n, c: -1n }, true), '{"a":1,"b":"9007199254740992","c":-1}\n');
  });
});

describe('XML', () => {
  it('is written so that it reads back the same', () => {
    const nasty = `<&>'"\n  two lines\tand a tab`;
    const root = parseXml(element('a', { x: nasty, y: undefined }, [element('b', {}, nasty), undefined]));
    assert.equal(root.getAttribute('x'), nasty.replace('\t', ' '));
    assert.equal(root.textContent?.trim(), nasty);
    assert.equal(escapeXml('\n'), '&#10;');
  });

  it('that is none is refused with a reason', () => {
    for (const text of ['', '<a', '<a></b>', 'text'])
      assert.throws(() => parseXml(text), /^VirtError: XML error: /, text);
  });
});
