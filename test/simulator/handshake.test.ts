import { join } from 'node:path';

import { parseBehaviour } from '../../src/simulator/behaviours';
import { judgeUpgrade, selectProtocol, type HandshakeRules } from '../../src/simulator/handshake';
import { behaviourOf } from './session-harness';

const behaviour = behaviourOf('echo');

test.each(['gpt-realtime', 'gpt-realtime-2.1-mini', 'gpt-audio-1.5', 'simulator'])(
  '%s gets the default behaviour',
  (model) => {
    expect(judge(`/v1/realtime?model=${model}`)).toEqual({ kind: 'conversation', model, behaviour });
  },
);

test('simulator:BEHAVIOUR names its own', () => {
  expect(judge('/v1/realtime?model=simulator%3Atone%3A610')).toMatchObject({
    kind: 'conversation',
    model: 'simulator:tone:610',
    behaviour: { name: 'tone:610' },
  });
});

test('intent=transcription needs no model', () => {
  expect(judge('/v1/realtime?intent=transcription')).toEqual({ kind: 'transcription', behaviour });
});

test.each([
  ['no model and no intent', '', {}, 4000, 'missing_model'],
  ['an empty model', '?model=', {}, 4000, 'missing_model'],
  ['another intent', '?intent=conversation', {}, 4000, 'invalid_intent'],
  ['a model that is not for Realtime', '?model=gpt-4o', {}, 4000, 'invalid_model'],
  ['a retired model', '?model=gpt-4o-realtime-preview-2024-12-17', {}, 4004, 'model_not_found'],
  ['an unknown model', '?model=nobody', {}, 4004, 'model_not_found'],
  ['a simulator that behaves in an unknown way', '?model=simulator:parrot', {}, 4004, 'model_not_found'],
  ['the beta header', '?model=gpt-realtime', { 'openai-beta': 'realtime=v1' }, 4000, 'beta_api_shape_disabled'],
  [
    'the beta subprotocol',
    '?model=gpt-realtime',
    { 'sec-websocket-protocol': 'realtime, openai-beta.realtime-v1' },
    4000,
    'beta_api_shape_disabled',
  ],
])('%s is refused in band', (_, query, headers, closeCode, code) => {
  expect(judge(`/v1/realtime${query}`, { headers })).toMatchObject({ kind: 'refused', refusal: { code, closeCode } });
});

test('what is wrong with a scenario is for the log and not for the client', () => {
  const file = join(__dirname, 'handshake.test.ts');
  const judged = judge(`/v1/realtime?model=simulator:scenario:${file}`);
  if (judged.kind !== 'refused') throw new Error('not refused');
  expect(judged.refusal.detail).toContain('not valid JSON');
  expect(judged.refusal.message).not.toContain('JSON');
});

test.each([
  ['another path', '/v1/chat', 'not_found'],
  ['a translation session', '/v1/realtime/translations?model=gpt-realtime-translate', 'not_found'],
  ['a call that is not there', '/v1/realtime?call_id=rtc_1', 'call_id_not_found'],
  ['a path that is none', '//', 'not_found'],
])('%s is an HTTP 404', (_, url, code) => {
  expect(judge(url)).toEqual({ kind: 'http-error', status: 404, code });
});

test.each([
  ['a bearer', { authorization: 'Bearer right' }],
  ['a subprotocol', { 'sec-websocket-protocol': 'realtime, openai-insecure-api-key.right' }],
])('the key may come as %s', (_, headers) => {
  const acceptKey = (key: string | undefined): boolean => key === 'right';
  expect(judge('/v1/realtime?model=gpt-realtime', { headers, acceptKey }).kind).toBe('conversation');
});

test('a wrong or missing key is refused with 3000 where keys are looked at, and the key is not repeated', () => {
  const acceptKey = (key: string | undefined): boolean => key === 'right';
  const wrong = judge('/v1/realtime?model=gpt-realtime', { headers: { authorization: 'Bearer wrong' }, acceptKey });
  expect(wrong).toMatchObject({ kind: 'refused', refusal: { code: 'invalid_api_key', closeCode: 3000 } });
  expect(JSON.stringify(wrong)).not.toContain('wrong');
  expect(judge('/v1/realtime', { acceptKey })).toMatchObject({ refusal: { code: 'invalid_api_key' } });
});

test('the subprotocol realtime is selected when it is offered', () => {
  expect(selectProtocol(new Set(['openai-insecure-api-key.k', 'realtime']))).toBe('realtime');
  expect(selectProtocol(new Set(['something']))).toBe(false);
});

function judge(
  url: string,
  {
    headers = {},
    acceptKey = () => true,
  }: { headers?: Record<string, string>; acceptKey?: HandshakeRules['acceptKey'] } = {},
) {
  return judgeUpgrade({ url, headers }, { behaviour, acceptKey, behaviourOf: (name) => parseBehaviour(name) });
}
