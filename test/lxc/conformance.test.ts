/**
 * The scenarios of kubernetes-sigs/ingress-controller-conformance end to end: real Ingress objects, the real program, and real
 * guests in place of the echo server. docs/conformance.md has a row for each, and for those that do not apply.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';

import { CONFORMANCE_SECRET, FEATURES } from '#controller/ingress/routes/testing/conformance.ts';
import type { Feature, Scenario } from '#controller/ingress/routes/testing/conformance.ts';
import { INGRESSES } from '#controller/kube/index.ts';
import type { Ingress } from '#controller/kube/index.ts';
import { selfSigned } from '#controller/serve/certificate.ts';
import { STARTUP_TIMEOUT_MS, TEST_TIMEOUT_MS } from '#test/support/bed.ts';
import { eventually } from '#test/support/eventually.ts';
import { createIngressScene, giveCertificate } from './ingress-scene.ts';
import type { Answer, IngressScene } from './ingress-scene.ts';

interface Echo {
  readonly guest: string;
  readonly method: string;
  readonly target: string;
  readonly protocol: string;
  readonly headers: readonly (readonly [string, string])[];
}

const ADDRESS = '192.0.2.80';
const CERTIFICATE = selfSigned(['foo.bar.com'], new Date());
const AGENT = 'Go-http-client/1.1';
const templates = new Set(FEATURES.flatMap(({ scenarios }) => scenarios.flatMap(({ served }) => served ?? [])));

describe('conformance of the ingress on an LXC host', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let scene: IngressScene;

  before(async function () {
    this.timeout(STARTUP_TIMEOUT_MS);
    scene = await createIngressScene({ args: [`--publish-address=${ADDRESS}`] });
    await giveCertificate(scene.stage, CONFORMANCE_SECRET, CERTIFICATE);
    await Promise.all([...templates].map((name) => scene.offer(name, { words: '-mode echo' })));
  });
  after(() => scene.dispose());

  const ingressOf = ({ name }: Feature): Promise<Ingress> =>
    scene.stage.rest.get(INGRESSES, { name: name.replace('_', '-'), namespace: scene.stage.namespace });

  const apply = async (feature: Feature): Promise<void> => {
    await scene.stage.rest.create(INGRESSES, {
      metadata: { name: feature.name.replace('_', '-'), namespace: scene.stage.namespace },
      spec: { ingressClassName: 'hatchery', ...feature.ingress },
    });
    // "The Ingress status shows the IP address or FQDN where it is exposed", but where its class is nobody's.
    if (feature.ingress.ingressClassName !== undefined) return;
    await eventually(async () => {
      assert.deepEqual((await ingressOf(feature)).status?.loadBalancer?.ingress, [{ ip: ADDRESS }]);
    });
  };

  const ask = ({ method, url: text }: Scenario): Promise<Answer> => {
    const url = new URL(text);
    const headers = { Host: url.hostname, 'User-Agent': AGENT };
    if (url.protocol === 'https:') return askOverTls(scene.ingress.tlsPort, url, headers);
    return scene.ask('', { method, path: url.pathname, headers });
  };

  /** Served by a domain of that template, which got what was asked. */
  const checkServed = async ({ method, url, served }: Scenario, answer: Answer): Promise<void> => {
    const { headers, body } = answer;
    const { hostname, pathname } = new URL(url);
    const [, name = ''] = String(headers['x-hatchery-domain']).split('/');
    const { spec, status } = await scene.stage.get(name);
    assert.equal(spec.templateRef?.name, served);
    const echo = JSON.parse(body) as Echo;
    assert.partialDeepStrictEqual(echo, {
      ...{ guest: status?.domain?.name, method, target: pathname, protocol: 'HTTP/1.1' },
    });
    const got = new Map(echo.headers.map(([key, value]) => [key.toLowerCase(), value]));
    assert.deepEqual([got.get('host'), got.get('user-agent')], [hostname, AGENT]);
    for (const key of ['content-length', 'content-type', 'date', 'server']) assert.ok(headers[key] !== undefined, key);
  };

  for (const feature of FEATURES) {
    describe(feature.name, () => {
      before(() => apply(feature));

      for (const scenario of feature.scenarios) {
        const { id, method, url, served } = scenario;
        it(`${method} ${url} is for ${served ?? 'nobody: 404'} [conformance: ${id}]`, async () => {
          const answer = await ask(scenario);
          assert.equal(answer.status, served === undefined ? 404 : 200, answer.body);
          if (served !== undefined) await checkServed(scenario, answer);
        });
      }
    });
  }

  describe('after all of them', () => {
    it('an Ingress of a class that is nobody’s gets no address, though others did [conformance: class-invalid]', async () => {
      const [invalid] = FEATURES;
      assert.ok(invalid?.ingress.ingressClassName !== undefined);
      assert.deepEqual((await ingressOf(invalid)).status?.loadBalancer ?? {}, {});
    });
  });
});

/** The certificate must be by that authority and for that host. */
const askOverTls = async (port: number, url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> => {
  const begun = performance.now();
  const where = { host: '127.0.0.1', port, servername: url.hostname, ca: CERTIFICATE.cert, agent: false };
  const asked = requestTls({ ...where, path: url.pathname, headers, timeout: 30_000 }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const headMs = performance.now() - begun;
  let body = '';
  for await (const chunk of response.setEncoding('latin1')) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body, headMs };
};
