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
