import assert from 'node:assert/strict';

import { sourceOf } from './ingress.ts';
import { ProblemTeller } from './problems.ts';
import type { Problem } from './route.ts';
import { ingress } from './testing/resources.ts';

const WEB = ingress('web', {});

const problem = (message: string, where = 'spec.tls[0]', of = WEB): Problem => ({
  ...{ source: sourceOf(of), where, message },
  reason: 'CertificateNotFound',
});

/** A teller, and what it has told since it was last asked. */
const telling = () => {
  const told: string[] = [];
  const teller = new ProblemTeller({
    event: (_, object, type, reason, message) => told.push(`${object.metadata.name} ${type} ${reason} ${message}`),
  });
  const tell = (...problems: readonly Problem[]): readonly string[] => {
    teller.tell(problems, (key) => (key === 'default/web' ? WEB : undefined));
    return told.splice(0);
  };
  return tell;
};

describe('problems of routes', () => {
  it('are told once, by a warning on their Ingress', () => {
    const tell = telling();
    assert.deepEqual(tell(problem('a')), ['web Warning CertificateNotFound a']);
    assert.deepEqual(tell(problem('a')), []);
  });

  it('are told each for itself', () => {
    const tell = telling();
    tell(problem('a'));
    assert.deepEqual(tell(problem('a'), problem('b', 'spec.tls[1]')), ['web Warning CertificateNotFound b']);
  });

  it('are told again where they have changed', () => {
    const tell = telling();
    tell(problem('a'));
    assert.deepEqual(tell(problem('b')), ['web Warning CertificateNotFound b']);
  });

  it('are told again where they had gone and came back', () => {
    const tell = telling();
    tell(problem('a'));
    assert.deepEqual(tell(), []);
    assert.deepEqual(tell(problem('a')), ['web Warning CertificateNotFound a']);
  });

  it('of an Ingress that is gone are not told', () => {
    assert.deepEqual(telling()(problem('a', 'spec', ingress('gone', {}))), []);
  });
});
