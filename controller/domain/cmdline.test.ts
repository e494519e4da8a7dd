import assert from 'node:assert/strict';

import fc from 'fast-check';

import { commandLineWords, expandCommandLine, MAX_COMMAND_LINE_BYTES, refersTo } from './cmdline.ts';

const names = {
  DOMAIN_NAME: 'edom-198-18-4-21',
  DOMAIN_UUID: '12dfc8e1-e90f-560a-960f-dd7ed38319c7',
  IP: '198.18.4.21',
  PREFIX: '25',
  NETMASK: '255.255.255.128',
  GATEWAY: '198.18.4.129',
};

const expanded = (template: string, values = names): string => {
  const reading = expandCommandLine(template, values);
  assert.ok(reading.ok, template);
  return reading.text;
};

describe('expandCommandLine', () => {
  const table: readonly (readonly [string, string])[] = [
    ['-ipaddr $(IP)/$(PREFIX) -gateway $(GATEWAY)', '-ipaddr 198.18.4.21/25 -gateway 198.18.4.129'],
    ['$(DOMAIN_NAME) $(DOMAIN_UUID) $(NETMASK)', `${names.DOMAIN_NAME} ${names.DOMAIN_UUID} ${names.NETMASK}`],
    ['$$(IP)', '$(IP)'],
    ['$$$(IP)', '$198.18.4.21'],
    ['$$$$', '$$'],
    ['$(UNKNOWN) $(toString) $()', '$(UNKNOWN) $(toString) $()'],
    ['$(A$(IP))', '$(A$(IP))'],
    ['$(IP', '$(IP'],
    ['100$ $x $', '100$ $x $'],
    ['', ''],
  ];
  for (const [template, text] of table) {
    it(`makes ${JSON.stringify(text)} of ${JSON.stringify(template)}, as a container's args would`, () => {
      assert.equal(expanded(template), text);
    });
  }

  it('leaves a name as it was written where it has no value', () => {
    const reading = expandCommandLine('-ipaddr $(IP)', {});
    assert.deepEqual(reading, { ok: true, text: '-ipaddr $(IP)' });
  });

  it('takes what an expansion brings in as it is', () => {
    assert.equal(expanded('$(IP)', { ...names, IP: '$(GATEWAY)$$$&' }), '$(GATEWAY)$$$&');
  });

  it('changes nothing in a text without a dollar', () => {
    const plain = fc.string({ maxLength: 200 }).filter((text) => !/[$\p{Cc}]/u.test(text));
    fc.assert(fc.property(plain, (text) => expanded(text) === text));
  });

  it('takes the longest line that a guest gets, and refuses one byte more', () => {
    assert.equal(expanded('x'.repeat(MAX_COMMAND_LINE_BYTES)).length, 1023);
    const reading = expandCommandLine('x'.repeat(1012) + ' $(IP)', names);
    assert.deepEqual(reading, {
      ok: false,
      fault: {
        kind: 'too-long',
        bytes: 1024,
        limit: 1023,
        message: 'the command line has 1024 bytes after expansion; a guest gets at most 1023',
      },
    });
  });

  it('counts bytes, not characters', () => {
    const reading = expandCommandLine('é'.repeat(512), names);
    assert.ok(!reading.ok && reading.fault.kind === 'too-long' && reading.fault.bytes === 1024);
  });

  for (const control of ['\n', '\0', '\t', '\u001b', '\u007f', '\u0085']) {
    it(`refuses the control character ${JSON.stringify(control)}`, () => {
      const reading = expandCommandLine(`a${control}b`, names);
      assert.ok(!reading.ok && reading.fault.kind === 'control-character');
      assert.equal(reading.fault.codePoint, control.codePointAt(0));
    });
  }
});

describe('expandCommandLine with parameters', () => {
  const withParameters = (template: string, parameters: Readonly<Record<string, string>>) =>
    expandCommandLine(template, names, new Map(Object.entries(parameters)));

  const table: readonly (readonly [template: string, parameters: Readonly<Record<string, string>>, text: string])[] = [
    ['-mode $(MODE)', { MODE: 'run' }, '-mode run'],
    ['$(A)$(B)$(A)', { A: '1', B: '2' }, '121'],
    ['a$(EMPTY)b', { EMPTY: '' }, 'ab'],
    ['$$(A) $$$(A)', { A: 'x' }, '$(A) $x'],
    ['$(A)', { A: '$(B) $(IP) $$ $& $1' }, '$(B) $(IP) $$ $& $1'],
    ['$(A)B)', { A: '$(', B: 'x' }, '$(B)'],
    ['$(IP)', { IP: 'a built-in name counts more' }, names.IP],
    ['$(constructor) $(__proto__)', { constructor: 'a' }, 'a $(__proto__)'],
    ['$(UNKNOWN)', { A: 'x' }, '$(UNKNOWN)'],
  ];
  for (const [template, parameters, text] of table) {
    it(`makes ${JSON.stringify(text)} of ${JSON.stringify(template)} with ${JSON.stringify(parameters)}`, () => {
      assert.deepEqual(withParameters(template, parameters), { ok: true, text });
    });
  }

  it('names the parameter that holds a control character, or what XML cannot carry, and not its value', () => {
    for (const [bad, shown] of [
      ['\n', 'U+000A'],
      ['\0', 'U+0000'],
      ['\u009f', 'U+009F'],
      ['\uffff', 'U+FFFF'],
      ['\ud800', 'U+D800'],
    ] as const) {
      const reading = withParameters('$(A) $(B)', { A: 'good', B: `private${bad}` });
      assert.ok(!reading.ok);
      assert.equal(reading.fault.parameter, 'B');
      assert.equal(
        reading.fault.message,
        `parameter B holds the control character ${shown}, which no command line can`,
      );
    }
  });

  it('a parameter that is not in the command line does not matter', () => {
    assert.deepEqual(withParameters('$(A)', { A: 'a', B: '\n', C: 'x'.repeat(5_000) }), { ok: true, text: 'a' });
  });

  it('names the parameter that takes most of a line too long', () => {
    const reading = withParameters('$(A) $(B) $(B) $(IP)', { A: 'x'.repeat(500), B: 'é'.repeat(150) });
    assert.ok(!reading.ok);
    assert.equal(
      reading.fault.message,
      'the command line has 1114 bytes after expansion; a guest gets at most 1023; ' +
        'parameter B takes the most of it, 600 bytes',
    );
  });

  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/).filter((text) => !Object.hasOwn(names, text));
  const anyText = fc.string({ unit: 'binary', maxLength: 30 });
  const nastyText = fc
    .array(fc.constantFrom('$', '(', ')', '$$', '$(A)', '$(IP)', ' ', '\\', '"', '<', '&', '\n', 'x'), { maxLength: 6 })
    .map((parts) => parts.join(''));
  const values = fc.dictionary(name, fc.oneof(anyText, nastyText), { minKeys: 1, maxKeys: 4 });
  /** What a template is made of: text without a dollar, an escaped one, or a reference to one of the values. */
  const plain = fc.stringMatching(/^[a-z =]{0,6}$/).map((text) => ({ written: text, comesTo: text }));
  const stretch = fc.oneof(plain, fc.constant({ written: '$$', comesTo: '$' }), fc.nat());

  const join = (texts: readonly string[]) => texts.join('');

  it('holds what was written and the values as they are, in their order, and nothing else', () => {
    fc.assert(
      fc.property(values, fc.array(stretch, { maxLength: 8 }), (given, stretches) => {
        const keys = Object.keys(given);
        const parts = stretches.map((each) => {
          if (typeof each !== 'number') return each;
          const key = keys[each % keys.length] ?? '';
          return { written: `$(${key})`, comesTo: given[key] ?? '' };
        });
        const reading = withParameters(join(parts.map(({ written }) => written)), given);
        if (reading.ok) assert.equal(reading.text, join(parts.map(({ comesTo }) => comesTo)));
        else assert.notEqual(reading.fault.message, '');
      }),
      { numRuns: 2_000 },
    );
  });

  it('has no word that a value did not hold: a value of one word stays one, however it is written', () => {
    const word = fc
      .oneof(fc.string({ minLength: 1, maxLength: 20 }), nastyText)
      .map((text) => `w${text.replaceAll(' ', '')}`);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const given = Object.fromEntries(words.map((text, index) => [`P${index}`, text]));
        const reading = withParameters(words.map((_, index) => `$(P${index})`).join(' '), given);
        if (reading.ok) assert.deepEqual(commandLineWords(reading.text), words);
        else assert.equal(reading.fault.kind, 'control-character');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never lets a control character pass, whatever template and values', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, nastyText), values, (template, given) => {
        const reading = withParameters(
          `${template}${Object.keys(given)
            .map((key) => `$(${key})`)
            .join('')}`,
          given,
        );
        if (reading.ok) assert.doesNotMatch(reading.text, /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/u);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('refersTo', () => {
  for (const [template, refers] of [
    ['-notify $(NOTIFY_URL)', true],
    ['$$$(NOTIFY_URL)', true],
    ['$$(NOTIFY_URL)', false],
    ['$(NOTIFY_URL', false],
    ['$(NOTIFY_HOST):$(NOTIFY_PORT)', false],
    ['', false],
  ] as const) {
    it(`says ${refers} of NOTIFY_URL in ${JSON.stringify(template)}, as it is expanded there or not`, () => {
      assert.equal(refersTo(template, 'NOTIFY_URL'), refers);
    });
  }
});

describe('commandLineWords', () => {
  it('splits at blanks, however many', () => {
    assert.deepEqual(commandLineWords('  -mode   hello -seconds 3 '), ['-mode', 'hello', '-seconds', '3']);
    assert.deepEqual(commandLineWords(''), []);
  });
});
