import { readEssentials } from '../../src/sip-server/essentials';
import { parseMessage } from '../../src/sip-server/parse-message';
import type { RequestFault, RequestRules } from '../../src/sip-server/request-rules';
import { defaultRequestRules, findRequestFault, findUnclear } from '../../src/sip-server/request-rules';
import { uriBytesMax } from '../../src/sip-server/uri';
import { requestText } from './test-peer';

function faultOf(
  text: string,
  { rules = {}, routed = 'any' }: { rules?: Partial<RequestRules>; routed?: readonly string[] | 'any' } = {},
): RequestFault | undefined {
  const request = parseMessage(Buffer.from(text, 'latin1'));
  if (request.kind !== 'request') throw new Error(`not a request: ${JSON.stringify(request)}`);
  const essentials = readEssentials(request);
  if (typeof essentials === 'string') throw new Error(essentials);
  return findRequestFault(request, essentials, { rules: { ...defaultRequestRules, ...rules }, routed });
}

function statusOf(...parameters: Parameters<typeof faultOf>): number | undefined {
  return faultOf(...parameters)?.status;
}

const body = 'v=0\r\n';

describe('methods', () => {
  const routed = ['INVITE', 'OPTIONS'];

  test('one that we know and nobody wants gets 405 with those that somebody wants', () => {
    expect(faultOf(requestText('MESSAGE'), { routed })).toMatchObject({
      status: 405,
      headers: [['Allow', 'INVITE, OPTIONS, ACK, CANCEL, BYE, PRACK, UPDATE']],
      counter: 'refusedMethod',
    });
    expect(faultOf(requestText('INVITE'), { routed: ['OPTIONS'] })?.headers).toEqual([['Allow', 'OPTIONS']]);
  });

  test('one that nobody knows gets 501 whatever else is wrong with it', () => {
    const text = requestText('NEWMETHOD').replace('1 NEWMETHOD', '1 INVITE');

    expect(faultOf(text, { routed })).toMatchObject({ status: 501, counter: 'refusedUnknownMethod' });
  });

  test('one that nobody knows passes where an application wants it', () => {
    expect(statusOf(requestText('NEWMETHOD'), { routed: ['NEWMETHOD'] })).toBeUndefined();
  });

  test('without any application the method is not what is wrong', () => {
    expect(statusOf(requestText('MESSAGE'), { routed: [] })).toBeUndefined();
    expect(statusOf(requestText('NEWMETHOD'), { routed: [] })).toBe(501);
  });

  test.each(['ACK', 'BYE', 'CANCEL', 'PRACK', 'UPDATE'])('%s is left to dialogs and transactions', (method) => {
    expect(statusOf(requestText(method), { routed })).toBeUndefined();
  });

  test('inside a dialog every method that we know is left to its application', () => {
    expect(statusOf(requestText('INFO', { toTag: 'ours' }), { routed })).toBeUndefined();
  });

  // drachtio-srf decodes escapes in a method: it would take the second for a BYE, and we would not.
  test.each(['NEWMETHOD', '%42YE', 'bye'])('%s gets 501 inside a dialog, unless an application wants it', (method) => {
    expect(statusOf(requestText(method, { toTag: 'ours' }), { routed })).toBe(501);
    expect(statusOf(requestText(method, { toTag: 'ours' }), { routed: [method] })).toBeUndefined();
  });

  test('405 can be turned off', () => {
    expect(statusOf(requestText('MESSAGE'), { routed, rules: { refuseUnroutedMethods: false } })).toBeUndefined();
  });
});

describe('addresses', () => {
  test.each([
    ['tel:+15550100', 416],
    ['soap.beep://192.0.2.103:3002', 416],
    ['sip:2001:db8::10', 400],
    ['sip:bob@example.com?Route=%3Csip:x%3E', 400],
    ['sips:bob@example.com', undefined],
    ['sip:[2001:db8::10:5070]', undefined],
  ])('a request to %s: %p', (uri, status) => {
    expect(statusOf(requestText('OPTIONS', { uri }))).toBe(status);
  });

  test('a registration binds a SIP address and nothing else, unless that is turned off', () => {
    const text = requestText('REGISTER').replace(/To: .*\r\n/, 'To: isbn:2983792873\r\n');

    expect(statusOf(text)).toBe(400);
    expect(statusOf(text, { rules: { refuseForeignRegistrations: false } })).toBeUndefined();
  });

  test.each([
    ['REGISTER', '*', undefined],
    ['REGISTER', '<sip:a@b>, <mailto:a@b>', undefined],
    ['REGISTER', 'sip:a@b?Route=%3Csip:x%3E', 400],
    ['INVITE', '*', 400],
    ['INVITE', '<tel:+1>', 400],
    ['INVITE', '<sip:a@b>, <sip:c@d>', 400],
    ['MESSAGE', '<tel:+1>', undefined],
  ])('%s with Contact %s: %p', (method, contact, status) => {
    expect(statusOf(requestText(method, { headers: [`Contact: ${contact}`] }))).toBe(status);
  });
});

describe('extensions', () => {
  test('those that nobody here understands are named as they were written', () => {
    expect(faultOf(requestText('OPTIONS', { headers: ['Require: One, 100REL', 'Require: two'] }))).toMatchObject({
      status: 420,
      headers: [['Unsupported', 'One, two']],
      counter: 'refusedExtension',
    });
  });

  test.each([
    ['a CANCEL', requestText('CANCEL', { headers: ['Require: one'] }), {}],
    ['a list that has it', requestText('OPTIONS', { headers: ['Require: siprec'] }), { extensions: ['siprec'] }],
    ['a list of any', requestText('OPTIONS', { headers: ['Require: one'] }), { extensions: 'any' as const }],
  ])('%s lets it pass', (_what, text, rules) => {
    expect(statusOf(text, { rules })).toBeUndefined();
  });
});

describe('content', () => {
  const invite = requestText('INVITE', { body });

  test('a body of another type gets 415 with the types that are taken', () => {
    expect(faultOf(invite.replace('application/sdp', 'application/other'))).toMatchObject({
      status: 415,
      headers: [['Accept', 'application/sdp, multipart/*']],
      counter: 'refusedContent',
    });
  });

  test('an encoded body gets 415 with the encodings that are taken', () => {
    const text = requestText('INVITE', { headers: ['Content-Encoding: gzip'], body });

    expect(faultOf(text)).toMatchObject({ status: 415, headers: [['Accept-Encoding', 'identity']] });
  });

  test.each([
    ['SDP in capitals and with parameters', invite.replace('application/sdp', 'Application / SDP;charset=x')],
    ['several parts', invite.replace('application/sdp', 'multipart/mixed;boundary=x')],
    ['no body', requestText('INVITE')],
    [
      'a body that may be ignored',
      requestText('INVITE', { headers: ['Content-Disposition: session ; handling=optional'], body }).replace(
        'application/sdp',
        'a/b',
      ),
    ],
    ['a MESSAGE of any type', requestText('MESSAGE', { body }).replace('application/sdp', 'a/b')],
  ])('%s passes', (_what, text) => {
    expect(statusOf(text)).toBeUndefined();
  });

  test('the types are a setting', () => {
    const text = invite.replace('application/sdp', 'application/other');

    expect(statusOf(text, { rules: { inviteContentTypes: 'any' } })).toBeUndefined();
    expect(statusOf(invite, { rules: { inviteContentTypes: ['application/other'] } })).toBe(415);
  });

  test.each([
    ['text/plain', 406],
    ['', 406],
    ['application/sdp;q=0, text/*', 406],
    ['application/sdp', undefined],
    ['text/plain, application/*;q=0.5', undefined],
    ['*/*', undefined],
  ])('an INVITE with Accept "%s": %p', (accept, status) => {
    expect(statusOf(requestText('INVITE', { headers: [`Accept: ${accept}`] }))).toBe(status);
  });

  test('406 can be turned off', () => {
    const text = requestText('INVITE', { headers: ['Accept: text/plain'] });

    expect(statusOf(text, { rules: { refuseWithoutSdpAnswer: false } })).toBeUndefined();
  });
});

test('what is wrong with an ACK is nobody told', () => {
  expect(statusOf(requestText('ACK', { uri: 'tel:1', headers: ['Require: one'] }))).toBeUndefined();
});

test.each([
  [uriBytesMax, undefined],
  [uriBytesMax + 1, 414],
])('a Request-URI of %d octets gets %j', (length, status) => {
  const uri = `sip:${'a'.repeat(length - 'sip:@host'.length)}@host`;

  expect(statusOf(requestText('OPTIONS', { uri }))).toBe(status);
});

describe('what a request is about', () => {
  const faultIn = (method: string, ...headers: string[]): string | undefined => {
    const request = parseMessage(Buffer.from(requestText(method, { headers })));
    return request.kind === 'request' ? findUnclear(request) : request.kind;
  };

  test('is one place for a REFER', () => {
    expect(faultIn('REFER', 'Refer-To: <sip:a@b>')).toBeUndefined();
    expect(faultIn('REFER', 'Refer-To: "a, b" <sip:a@b?Replaces=1%3Bfrom-tag%3D2>')).toBeUndefined();
    for (const headers of [[], ['Refer-To: <sip:a@b>', 'r: <sip:c@d>'], ['Refer-To: <sip:a@b>, <sip:c@d>']]) {
      expect(faultIn('REFER', ...headers)).toBe('Bad Refer-To');
    }
  });

  test.each([
    ['SUBSCRIBE', 'Event: presence'],
    ['NOTIFY', 'Event: presence'],
    ['NOTIFY', 'Subscription-State: active'],
    ['PRACK', 'RAck: 1 1 INVITE'],
  ])('is said once in a %s by its %s', (method, header) => {
    expect(faultIn(method, header)).toBeUndefined();
    expect(faultIn(method, header, header)).toMatch(/^Repeated/);
  });

  test('is decided by the first value where nobody else looks', () => {
    expect(faultIn('INVITE', 'Session-Expires: 1800', 'x: 90')).toBeUndefined();
  });
});

test.each([
  ['<sip:127.0.0.2;lr', 400],
  ['nowhere', 400],
  ['<sip:127.0.0.2;lr>, <>', 400],
  ['<sip:127.0.0.2;lr>, ,', undefined],
  ['', undefined],
])('the Record-Route %j of an INVITE', (route, status) => {
  expect(statusOf(requestText('INVITE', { headers: [`Record-Route: ${route}`] }))).toBe(status);
  expect(statusOf(requestText('OPTIONS', { headers: [`Record-Route: ${route}`] }))).toBeUndefined();
});
