import { strict as assert } from 'node:assert';
import { parseAnyXml, parseXml, toPlain } from '../../../src/virt/conf/xml.ts';
import { formatXml } from '../../../src/virt/conf/xml-format.ts';
import { MAX_XML_DEPTH, MAX_XML_LENGTH } from '../../../src/virt/conf/xml-scan.ts';
import { refuses } from './support.ts';

function fails(xml: string, message: RegExp, line?: number, column?: number): void {
  const { data } = refuses(() => parseAnyXml(xml), 'XML_ERROR', message);
  if (line !== undefined) assert.deepEqual([data['line'], data['column']], [line, column]);
}

const reformat = (xml: string) => formatXml(toPlain(parseAnyXml(xml)));

describe('XML parsing', () => {
  it('takes comments, CDATA, either quotes, a declaration and references', () => {
    const root = parseXml(
      `<?xml version="1.0" encoding='utf-8'?>\n<!-- a --><domain a="1'" b='"'><![CDATA[<&]]>&lt;&#x41;&#66;</domain>\n<!-- end -->`,
      'domain',
    );
    assert.equal(root.getAttribute('a'), "1'");
    assert.equal(root.getAttribute('b'), '"');
    assert.equal(root.textContent, '<&<AB');
  });

  for (const [what, xml, message, line, column] of [
    ['an empty document', '  \n', /empty/, 1, 1],
    ['a document without a root', '<!-- -->', /root/, undefined, undefined],
    ['end tags that do not match', '<a>\n  <b>\n  </c>\n</a>', /mismatch/, undefined, undefined],
    ['an element that is not closed', '<a>\n<b/>', /unclosed/, undefined, undefined],
    ['a tag that is not closed', '<a>\n <b x="1"', /not closed/, 2, 2],
    ['an end tag too many', '<a>\n</a></a>', /ends nothing/, 2, 5],
    ['a slash within a tag', "<a b='c'//>", /'\/'/, 1, 9],
    ['CDATA behind the root', '<a/><![CDATA[x]]>', /outside/, 1, 5],
    ['two roots', '<a/><b/>', /root|element|Hierarchy/i, undefined, undefined],
    ['text behind the root', '<a/>b', /content/i, undefined, undefined],
    ['text before the root', 'b<a/>', /content/i, undefined, undefined],
    ['an attribute twice', '<a b="1" b="2"/>', /redefined/, undefined, undefined],
    ['an attribute without quotes', '<a b=1/>', /quot|"="/, undefined, undefined],
    ['an attribute without a value', '<a b/>', /value/, undefined, undefined],
    ["'<' in an attribute", '<a b="x<y"/>', /'<'/, 1, 8],
    ["']]>' in text", '<a>]]></a>', /']]>'/, 1, 4],
    ["'--' in a comment", '<a><!-- a -- b --></a>', /'--'/, 1, 11],
    ['a comment that is not closed', '<a><!-- a </a>', /comment/, 1, 4],
    ['a CDATA section that is not closed', '<a><![CDATA[ </a>', /CDATA/, 1, 4],
    ['a control character', '<a>\n\u0001</a>', /U\+0001/, 2, 1],
    ['half a surrogate pair', '<a>\ud800</a>', /U\+D800/, 1, 4],
    ['a reference to a control character', '<a b="&#1;"/>', /character 1/, 1, 7],
    ['a reference to NUL', '<a>&#0;</a>', /character 0/, 1, 4],
    ['a reference to half a surrogate pair', '<a>&#xd800;</a>', /character/, 1, 4],
    ['a reference beyond Unicode', '<a>&#x110000;</a>', /character/, 1, 4],
    ["a bare '&'", '<a>a & b</a>', /entity/, 1, 6],
    ['an entity of HTML', '<a>\n&nbsp;</a>', /entity/, 2, 1],
    ['a prefix without a namespace', '<x:a/>', /./, undefined, undefined],
    ['a name that is none', '<1a/>', /./, undefined, undefined],
  ] as const) {
    it(`refuses ${what}`, () => fails(xml, message, line, column));
  }

  it('refuses document types with every kind of entity before anything is expanded', () => {
    const bomb = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
    for (const dtd of [
      '<!DOCTYPE domain>',
      '<!DOCTYPE domain [<!ENTITY x "y">]>',
      `<!DOCTYPE domain [<!ENTITY l0 "lol">${bomb}]>`,
      '<!DOCTYPE domain SYSTEM "file:///etc/passwd">',
      '<!DOCTYPE domain [<!ENTITY % p SYSTEM "http://127.0.0.1/x"> %p;]>',
      '<!doctype domain>',
    ]) {
      fails(`<?xml version="1.0"?>\n${dtd}<domain>&l9;</domain>`, /document type or entity/, 2, 1);
    }
    fails('<a><!ENTITY x "y"></a>', /document type or entity/, 1, 4);
  });

  it('refuses documents that are too large or too deep, whatever is in them', () => {
    fails('<a>'.repeat(5 * 1024 * 1024), /more than/, 1, 1);
    fails(`<a>${' '.repeat(MAX_XML_LENGTH)}</a>`, /more than/, 1, 1);
    fails('<a>'.repeat(MAX_XML_DEPTH + 1), /nested deeper/, 1, MAX_XML_DEPTH * 3 + 1);
    fails('<a>'.repeat(1_000_000), /nested deeper/);
    fails(`<a>${'<b/>'.repeat(200_000)}</a>`, /tags/);
    fails(`<a ${Array.from({ length: 200 }, (_, i) => `b${i}=''`).join(' ')}/>`, /attributes/);
    parseAnyXml('<a>'.repeat(MAX_XML_DEPTH) + '</a>'.repeat(MAX_XML_DEPTH));
  });

  it('reads the text only once, however its marks are spread', () => {
    // Searching for a mark that is far away from every tag anew would take hours.
    const xml = `<a>${'<b x=""/>'.repeat(90_000)}${'x'.repeat(3_000_000)}&amp;</a>`;
    assert.equal(parseAnyXml(xml).textContent?.length, 3_000_001);
  });

  it('names what it expected when the root is another', () => {
    refuses(() => parseXml('<network/>', 'domain'), 'XML_ERROR', /expecting root element of 'domain', not 'network'/);
    refuses(() => parseXml("<domain xmlns='urn:x'/>", 'domain'), 'XML_ERROR', /expecting root element/);
  });
});

describe('XML as plain data', () => {
  it('keeps comments, CDATA, mixed content and namespaces, in layout of its own', () => {
    const xml = `<a xmlns:p="urn:p"><!--c--><p:b p:x="1"/>  <c>text <i>mixed</i>\n</c><d><![CDATA[<&>]]></d></a>`;
    const formatted = reformat(xml);
    assert.equal(
      formatted,
      [
        "<a xmlns:p='urn:p'>",
        '  <!--c-->',
        "  <p:b p:x='1'/>",
        '  <c>text <i>mixed</i>\n</c>',
        '  <d><![CDATA[<&>]]></d>',
        '</a>',
        '',
      ].join('\n'),
    );
    assert.equal(reformat(formatted), formatted);
  });

  it('escapes what would not come back otherwise', () => {
    const element = { name: 'a', attributes: { b: '\'"<>&\n\t\r' }, children: ['\'"<>&\n\t\r]]>'] };
    assert.deepEqual(toPlain(parseAnyXml(formatXml(element))), element);
  });

  it('takes the declarations along that stand around an element', () => {
    const root = parseAnyXml("<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b><c q:d=''/></p:b></a>");
    assert.deepEqual(toPlain(root.firstChild as never), {
      name: 'p:b',
      attributes: { 'xmlns:q': 'urn:q', 'xmlns:p': 'urn:p' },
      children: [{ name: 'c', attributes: { 'q:d': '' } }],
    });
    const inner = parseAnyXml("<a><b xmlns='urn:d'><c/></b></a>").firstChild?.firstChild;
    assert.deepEqual(toPlain(inner as never), { name: 'c', attributes: { xmlns: 'urn:d' } });
  });

  it('keeps names that objects have by themselves', () => {
    const xml = "<a __proto__='1' constructor='2'><__proto__/></a>";
    assert.equal(reformat(xml), "<a __proto__='1' constructor='2'>\n  <__proto__/>\n</a>\n");
  });
});
