import assert from 'node:assert/strict';
import { commandLineOf, planGuest } from './guest.ts';

describe('the plan of a guest that is played', () => {
  const middle = (): number => 0.5;
  const cases = [
    { words: 'console=hvc0 quiet -mode hello', plan: { end: 'power-off', afterMs: 100 } },
    { words: '', plan: { end: 'power-off', afterMs: 100 } },
    { words: '-mode run -seconds 2.5', plan: { end: 'power-off', afterMs: 2600 } },
    { words: '-mode run', plan: { end: 'power-off', afterMs: 10_100 } },
    { words: '-mode run -seconds nonsense', plan: { end: 'power-off', afterMs: 100 } },
    { words: '-mode run -seconds 99999999999', plan: { end: 'power-off', afterMs: 20 * 86_400_000 + 100 } },
    { words: '-mode crash', plan: { end: 'crash', afterMs: 100 } },
    { words: '-mode reboot', plan: { end: 'power-off', afterMs: 100 } },
    { words: '-mode exit -code 3', plan: { end: 'power-off', afterMs: 100 } },
    { words: '-mode hang', plan: { end: 'never' } },
    { words: '-mode deaf', plan: { end: 'never' } },
    { words: '-ipaddr 198.19.0.7', plan: { end: 'never' } },
    { words: '-ipaddr 198.19.0.7 -shutdown_after 3', plan: { end: 'power-off', afterMs: 3100 } },
    { words: '-mode hang -mode hello', plan: { end: 'power-off', afterMs: 100 } },
  ];
  for (const { words, plan } of cases) {
    it(`"${words}": ${plan.end}`, () => {
      assert.deepEqual(planGuest(words, middle), plan);
    });
  }

  it('lets one that says hello end between 50 and 150 ms after its start', () => {
    assert.deepEqual(
      planGuest('-mode hello', () => 0),
      { end: 'power-off', afterMs: 50 },
    );
    assert.deepEqual(
      planGuest('-mode hello', () => 0.999),
      { end: 'power-off', afterMs: 150 },
    );
  });
});

describe("a domain's command line", () => {
  it('is the one of its kernel', () => {
    const xml = '<domain type="test"><os><type>hvm</type><cmdline>quiet -mode run -seconds 1</cmdline></os></domain>';
    assert.equal(commandLineOf(xml), 'quiet -mode run -seconds 1');
  });

  it("is a container's init's arguments", () => {
    const xml = '<domain><os><init>/a</init><initarg>-mode</initarg><initarg>hello</initarg></os></domain>';
    assert.equal(commandLineOf(xml), '-mode hello');
  });

  it('is empty where none is said', () => {
    assert.equal(commandLineOf('<domain><os><type>hvm</type></os></domain>'), '');
    assert.equal(commandLineOf('<domain/>'), '');
  });
});
