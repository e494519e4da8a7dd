import fc from 'fast-check';

/** Pieces that mean something to XML, a shell, a path, printf, Kubernetes or libvirt. */
const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...Array.from(`<>&'"/\\$(){}[]%;\`|!#@:=,. `),
      ']]>',
      '<![CDATA[',
      '<!--',
      '-->',
      '&amp;',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('&#10;', '</cmdline>', '<devices>', '</domain>', '../', '%n', '$(IP)', '$$(', '<?xml'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\u2028', '\u00a0', '\u200b', '\u{1f600}', '\ud7ff', '\ufffd', '$(DOMAIN_NAME)'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }) },
);

/** What the CRDs let through anywhere: no control characters, no halves of pairs, no U+FFFE and U+FFFF. */
export function isCarried(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(text);
}

/** Texts of at most so many bytes that look for trouble and are valid. */
export function trickyTexts(mostBytes: number): fc.Arbitrary<string> {
  return fc
    .array(piece, { minLength: 1, maxLength: 12 })
    .map((pieces) => pieces.join(''))
    .filter((text) => isCarried(text) && Buffer.byteLength(text) <= mostBytes);
}
