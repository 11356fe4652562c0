/**
 * Messages in which one field is not what it should be, after the idea of PROTOS c07-sip (University of Oulu, 2002): each
 * field of an INVITE, or of an answer to one, takes each of a list of values that parsers have fallen over.
 */
export interface OneFieldCase {
  /** Which field, and which value. */
  readonly name: string;
  /** Latin-1: one character is one octet. */
  readonly text: string;
}

/** What is the same in all of them, and tells one call from another. */
export interface OneFieldIdentity {
  readonly callId: string;
  readonly branch: string;
  readonly peer: string;
  readonly target: string;
}

const overflowPowersMax = 17;

/** Of the size that a buffer may have, of what a format or an encoding may be, of what a number may be. */
function values(usual: string): [name: string, value: string][] {
  const powers = Array.from({ length: overflowPowersMax - 2 }, (_, index) => index + 3);
  const integers = [7, 8, 15, 16, 31, 32, 63, 64].flatMap((power) => {
    const limit = 2n ** BigInt(power);
    return [limit - 1n, limit, limit + 1n].map(String);
  });
  return [
    ['nothing', ''],
    ['a space', ' '],
    ...powers.map((power): [string, string] => [`2^${power} letters`, 'a'.repeat(2 ** power)]),
    ...[4, 8, 12].map((power): [string, string] => [`2^${power} times over`, usual.repeat(2 ** power)]),
    ...['%s', '%n', '%x%n', '%.1000d', '%s%n'.repeat(64)].map((format): [string, string] => [
      `format ${format.slice(0, 8)}`,
      format,
    ]),
    ...[
      '\xc0\x80',
      '\xc1\xbf',
      '\xe0\x80\x80',
      '\xed\xa0\x80',
      '\xf8\x88\x80\x80\x80',
      '\xff\xfe',
      '\xe2\x80\xa8',
      '\xef\xbb\xbf',
    ].map((octets): [string, string] => [`UTF-8 ${Buffer.from(octets, 'latin1').toString('hex')}`, `a${octets}b`]),
    ...['%00', '%', '%zz', '%0d%0a', '\\', '\\"', '\0', '\x07', '\x7f', '\n', '\r', '\r\n ', '\r\nX-More: yes'].map(
      (escape): [string, string] => [`escape ${JSON.stringify(escape)}`, `a${escape}b`],
    ),
    ...integers.flatMap((integer): [string, string][] => [[integer, integer]]),
    ...['-1', '-2147483649', '0', '00000000000000000001', '1.5', '1e9', '0x10', '+1', 'NaN'].map(
      (number): [string, string] => [number, number],
    ),
    ...['"', '<', '>', '@', ';', ',', ':', '/', '=', '?', '(', '['].flatMap((separator): [string, string][] => [
      [`one ${separator}`, separator],
      [`many ${separator}`, separator.repeat(1_000)],
      [`${separator} in it`, `${usual}${separator}${usual}`],
    ]),
  ];
}

/** Every field in turn, marked by braces. */
function fill(template: string, identity: OneFieldIdentity): OneFieldCase[] {
  const marked = Object.entries(identity).reduce((text, [name, value]) => text.replaceAll(`$${name}`, value), template);
  const fields = [...marked.matchAll(/\{([^{}]*)\}/g)];
  return fields.flatMap((field) => {
    const before = plain(marked.slice(0, field.index));
    const after = plain(marked.slice(field.index + field[0].length));
    const line = before.slice(before.lastIndexOf('\n') + 1);
    return values(field[1] ?? '').map(([name, value]) => ({
      name: `${name} after ${JSON.stringify(line)}`,
      text: withLength(before + value + after),
    }));
  });
}

function plain(text: string): string {
  return text.replaceAll(/[{}]/g, '');
}

/** The length of the body as it has become, where no mutation says otherwise. */
function withLength(text: string): string {
  const bodyAt = text.indexOf('\r\n\r\n') + 4;
  return text.replace('Content-Length: auto', `Content-Length: ${text.length - bodyAt}`);
}

const description = [
  'v={0}',
  'o={-} {1} {1} {IN} {IP4} {127.0.0.1}',
  's={-}',
  'c={IN} {IP4} {127.0.0.1}',
  't={0} {0}',
  'm={audio} {40000} {RTP/AVP} {0}',
  'a={rtpmap}:{0} {PCMU/8000}',
  '',
].join('\r\n');

const invite = [
  '{INVITE} {sip}:{bob}@{$target}{;transport=udp} {SIP}/{2.0}',
  '{Via}: {SIP}/{2.0}/{UDP} {$peer};{branch}={$branch};{rport}',
  'Max-Forwards: {70}',
  'From: {Alice} {<}{sip:alice@$peer}{>};{tag}={a73kszlfl}',
  'To: {Bob} {<}{sip:bob@$target}{>}',
  'Call-ID: {$callId}',
  'CSeq: {1} {INVITE}',
  'Contact: {Alice} {<}{sip:alice@$peer}{>};{expires}={60}',
  'Expires: {120}',
  'Accept: {application/sdp}',
  'Supported: {timer, 100rel}',
  'Session-Expires: {1800};refresher={uac}',
  'Require: {timer}',
  'Record-Route: {<sip:$peer;lr>}',
  'Content-Type: {application}/{sdp}',
  'Content-Disposition: {session}',
  'Content-Length: {auto}{\r\n}',
  description,
].join('\r\n');

/** INVITEs, over four thousand. All have another Call-ID and branch. */
export function oneFieldInvites(identity: Omit<OneFieldIdentity, 'callId' | 'branch'>): OneFieldCase[] {
  return fill(invite, { ...identity, callId: 'CALLID', branch: 'z9hG4bKBRANCH' }).map(({ name, text }, index) => ({
    name,
    text: text.replaceAll('CALLID', `one-field-${index}`).replaceAll('BRANCH', `-${index}`),
  }));
}

const subscribe = [
  'SUBSCRIBE {sip}:{bob}@{$target} SIP/2.0',
  'Via: SIP/2.0/UDP $peer;branch=$branch;rport',
  'From: {Alice} {<}{sip:alice@$peer}{>};{tag}={a73kszlfl}',
  'To: {Bob} {<}{sip:bob@$target}{>}$toTag',
  'Call-ID: $callId',
  'CSeq: {1} SUBSCRIBE',
  'Contact: {Alice} {<}{sip:alice@$peer}{>}',
  'Event: {presence};{id}={1}',
  'Expires: {60}',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

const notify = subscribe
  .replaceAll('SUBSCRIBE', 'NOTIFY')
  .replace('CSeq: {1}', 'CSeq: {2}')
  .replace('Expires: {60}', 'Subscription-State: {terminated};{reason}={timeout}');

/** SUBSCRIBEs, or last NOTIFYs of a subscription, in which `$callId`, `$branch` and `$toTag` are still to be filled in. */
export function oneFieldSubscriptions(method: 'SUBSCRIBE' | 'NOTIFY', peer: string, target: string): OneFieldCase[] {
  const template = method === 'SUBSCRIBE' ? subscribe : notify;
  return fill(template, { peer, target, callId: '$callId', branch: '$branch' });
}

const answer = [
  '{SIP}/{2.0} {$status} {Whatever}',
  '$vias',
  'From: $from',
  'To: $to;{tag}={callee}',
  'Call-ID: $callId',
  'CSeq: {$cseq} {INVITE}',
  'Contact: {Bob} {<}{sip:bob@$peer}{>};{q}={0.5}',
  'Record-Route: {<sip:$peer;lr>}',
  'RSeq: {1}',
  'Require: {100rel}',
  'Session-Expires: {1800};refresher={uas}',
  'WWW-Authenticate: {Digest} {realm="x"}, {nonce="y"}, {qop="auth"}',
  'Content-Type: {application/sdp}',
  'Content-Length: {auto}',
  '',
  description,
].join('\r\n');

/** Answers to one INVITE of ours; `$vias`, `$from`, `$to`, `$callId` and `$cseq` are still to be filled in. */
export function oneFieldAnswers(status: number, peer: string): OneFieldCase[] {
  return fill(answer, { peer, target: '', callId: '$callId', branch: '' }).map(({ name, text }) => ({
    name: `${status}, ${name}`,
    text: text.replaceAll('$status', String(status)),
  }));
}
