import assert from 'node:assert/strict';
import { parseDeb822, parseOneLine, reachOptions, sourcesFor } from './mirror.ts';

const NONE: ReadonlyMap<string, string> = new Map();

const DEB822 = `# Comments are no stanza.

Types: deb deb-src
# nor are they in one
URIs: https://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/mirror.gpg

Types: deb
URIs: https://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 aGF0Y2g=
 -----END PGP PUBLIC KEY BLOCK-----
`;

const ONE_LINE = `
# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/k/a.gpg,/k/b.gpg] http://mirror.example/debian bookworm main # ours
deb-src http://mirror.example/debian bookworm main
deb http://other.example tool main
deb http://mirror.example/debian-security bookworm-security main
`;

describe('apt mirror for another suite', () => {
  it('takes address and keyring from deb822 sources', () => {
    const [main = NONE, security = NONE] = parseDeb822(sourcesFor('trixie', 'bookworm', parseDeb822(DEB822)));
    assert.equal(main.get('uris'), 'https://mirror.example/debian');
    assert.equal(main.get('suites'), 'trixie trixie-updates');
    assert.equal(main.get('components'), 'main');
    assert.equal(main.get('types'), 'deb');
    assert.equal(main.get('signed-by'), '/usr/share/keyrings/mirror.gpg');
    assert.equal(security.get('suites'), 'trixie-security');
  });

  it('keeps a key that stands in the source itself', () => {
    const [, security = NONE] = parseDeb822(sourcesFor('trixie', 'bookworm', parseDeb822(DEB822)));
    assert.match(security.get('signed-by') ?? '', /BEGIN PGP PUBLIC KEY BLOCK-----\n \.\n aGF0Y2g=/);
  });

  it('takes them from one-line sources, past those of others', () => {
    const [main = NONE, security = NONE] = parseDeb822(sourcesFor('trixie', 'bookworm', parseOneLine(ONE_LINE)));
    assert.equal(main.get('uris'), 'http://mirror.example/debian');
    assert.equal(main.get('signed-by'), '/k/a.gpg /k/b.gpg');
    assert.equal(security.get('uris'), 'http://mirror.example/debian-security');
    assert.equal(security.get('signed-by'), '/usr/share/keyrings/debian-archive-keyring.gpg');
  });

  it('does without a security mirror where the machine has none', () => {
    const sources = sourcesFor('trixie', 'bookworm', parseOneLine('deb http://m.example/d bookworm main'));
    assert.doesNotMatch(sources, /trixie-security/);
  });

  for (const [what, text] of [
    ['is switched off', 'Enabled: no\nTypes: deb\nURIs: http://m.example\nSuites: bookworm\nComponents: main'],
    ['is for sources', 'Types: deb-src\nURIs: http://m.example\nSuites: bookworm\nComponents: main'],
    ['is not for Debian', 'Types: deb\nURIs: http://m.example\nSuites: nodistro\nComponents: main'],
  ] as const) {
    it(`does not take a source that ${what}`, () => {
      assert.throws(() => sourcesFor('trixie', 'bookworm', parseDeb822(text)), /name no Debian mirror for bookworm/);
    });
  }
});

describe('settings of apt that fetching depends on', () => {
  it('are told on, and others are not', () => {
    const dump = [
      'APT::Architecture "amd64";',
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https "";',
      'Acquire::Retries "3";',
      'Acquire::Languages:: "none";',
      'Acquire::Check-Valid-Until "false";',
    ].join('\n');
    assert.deepEqual(reachOptions(dump), [
      'Acquire::http::Proxy "http://proxy.example:3128"',
      'Acquire::Retries "3"',
      'Acquire::Check-Valid-Until "false"',
    ]);
  });
});
