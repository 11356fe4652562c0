// sipp's scenarios as functions: each returns one or a few steps of sipp's XML, in the order in which sipp takes them.

/** `[field0]` and `[field1]` come from the call's line of injected fields: the number that is dialled, the media port. */
export type Step = string;

/** Everything that a scenario says of one call's audio. `port` may be a keyword of sipp, such as `[field1]`. */
export interface PhoneSdp {
  port: number | string;
  address?: string;
  /** Payload types and their maps; PCMU and telephone-event unless given. */
  formats?: Record<number, string>;
  direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  version?: number;
}

interface Body {
  type: string;
  body: string;
}

const dialledParty = '<sip:[field0]@[remote_ip]:[remote_port]>';

export const pcmu = { 0: 'PCMU/8000', 101: 'telephone-event/8000' };
export const pcma = { 8: 'PCMA/8000', 101: 'telephone-event/8000' };

export function phoneSdp({ port, address = '127.0.0.1', formats = pcmu, direction, version = 1 }: PhoneSdp): string {
  const types = Object.keys(formats).join(' ');
  return lines(
    'v=0',
    `o=sipp 1 ${version} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${types}`,
    ...Object.entries(formats).map(([type, encoding]) => `a=rtpmap:${type} ${encoding}`),
    'a=ptime:20',
    ...(direction === undefined ? [] : [`a=${direction}`]),
  );
}

/** A whole scenario file. */
export function scenario(steps: readonly Step[]): string {
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="test">\n${steps.join('\n')}\n</scenario>\n`;
}

/** The first INVITE; without SDP it asks for our offer. */
export function invite(sdp?: string, type = 'application/sdp'): Step {
  const Contact = '<sip:sipp@[local_ip]:[local_port];transport=[transport]>';
  return outOfDialog('INVITE', { Contact }, sdp === undefined ? undefined : { type, body: sdp });
}

/** Of the first INVITE, whose transaction it shares (RFC 3261 section 9.1). */
export function cancel(): Step {
  return outOfDialog('CANCEL');
}

/** For a final answer that is no 200: it belongs to the INVITE's transaction, too (RFC 3261 section 17.1.1.3). */
export function ackOfRefusal(): Step {
  return outOfDialog('ACK', { To: `${dialledParty}[peer_tag_param]` });
}

export function options(): Step {
  return outOfDialog('OPTIONS');
}

/** A request inside the dialog. */
export function inDialog(method: string, body?: Body): Step {
  return send(
    method === 'ACK' ? '' : 'retrans="500"',
    `${method} [next_url] SIP/2.0`,
    {
      To: `${dialledParty}[peer_tag_param]`,
      ...(method === 'INVITE' ? { Contact: '<sip:sipp@[local_ip]:[local_port];transport=[transport]>' } : {}),
    },
    body,
  );
}

export function reInvite(sdp: string): Step {
  return inDialog('INVITE', { type: 'application/sdp', body: sdp });
}

export function ack(sdp?: string): Step {
  return inDialog('ACK', sdp === undefined ? undefined : { type: 'application/sdp', body: sdp });
}

/** One provisional answer that must come. */
export function receiveProvisional(status: number): Step {
  return [`<recv response="100" optional="true"/>`, `<recv response="${status}"/>`].join('\n');
}

/** The final answer, after any number of provisional ones; each pattern must be found in it. */
export function receive(status: number, ...patterns: string[]): Step {
  const provisional = [100, 180, 183].map((code) => `<recv response="${code}" optional="true"/>`);
  return [...provisional, `<recv response="${status}" rrs="true">${checks(patterns)}</recv>`].join('\n');
}

export function receiveRequest(method: string): Step {
  return `<recv request="${method}"/>`;
}

/** Answers the request that came last. */
export function answer(status = '200 OK'): Step {
  return `<send><![CDATA[${lines(
    `SIP/2.0 ${status}`,
    ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `[last_${name}:]`),
    'Content-Length: 0',
    '',
  )}]]></send>`;
}

/** An INVITE from the bridge. What the callee sends later goes to whoever sent it. */
export const receiveInvite: Step =
  '<recv request="INVITE" rrs="true"><action>' +
  '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/>' +
  // sipp refuses variables that are never used.
  '<log message="[$caller]"/></action></recv>';

/** Answers an INVITE, with SDP or without. */
export function answerInvite(status: string, sdp?: string): Step {
  const body =
    sdp === undefined ? ['Content-Length: 0', ''] : ['Content-Type: application/sdp', 'Content-Length: [len]', ''];
  const text = lines(
    `SIP/2.0 ${status}`,
    ...['Via', 'Record-Route', 'From'].map((name) => `[last_${name}:]`),
    '[last_To:];tag=callee',
    ...['Call-ID', 'CSeq'].map((name) => `[last_${name}:]`),
    'Contact: <sip:callee@[local_ip]:[local_port]>',
    ...body,
  );
  return `<send><![CDATA[${text}${sdp ?? ''}]]></send>`;
}

/** A request of the callee, inside the dialog that `receiveInvite` began. Its `sequence` grows with each. */
export function fromCallee(method: string, sequence: number, sdp?: string): Step {
  const text = lines(
    `${method} [next_url] SIP/2.0`,
    'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    'From: <sip:callee@[local_ip]:[local_port]>;tag=callee',
    'To: [$caller]',
    'Call-ID: [call_id]',
    `CSeq: ${sequence} ${method}`,
    'Max-Forwards: 70',
    '[routes]',
    'Contact: <sip:callee@[local_ip]:[local_port]>',
    ...(sdp === undefined ? ['Content-Length: 0', ''] : ['Content-Type: application/sdp', 'Content-Length: [len]', '']),
  );
  return `<send${method === 'ACK' ? '' : ' retrans="500"'}><![CDATA[${text}${sdp ?? ''}]]></send>`;
}

/** The callee's re-INVITE, to its ACK. */
export function changeOfCallee(sequence: number, sdp: string, ...patterns: string[]): Step {
  return [
    fromCallee('INVITE', sequence, sdp),
    '<recv response="100" optional="true"/>',
    `<recv response="200">${checks(patterns)}</recv>`,
    fromCallee('ACK', sequence),
  ].join('\n');
}

/** The callee ends the call. */
export function byeOfCallee(sequence: number): Step {
  return [fromCallee('BYE', sequence), '<recv response="200"/>'].join('\n');
}

export function pause(ms: number): Step {
  return `<pause milliseconds="${ms}"/>`;
}

/** sipp's own player: raw G.711 octets from a file of the run, for as long as the call lasts. */
export function playForever(file: string, law: 'pcmu' | 'pcma'): Step {
  const format = law === 'pcmu' ? '0,PCMU/8000' : '8,PCMA/8000';
  return `<nop><action><exec rtp_stream="${file},-1,${format}"/></action></nop>`;
}

/** The port that sipp sends audio from. */
export const sippAudioPort = '[rtpstream_audio_port]';

/** Waits for `SippRun.cue()`. */
export const waitForCue: Step = '<recv request="MESSAGE"/>';

export const receiveBye: Step = [receiveRequest('BYE'), answer()].join('\n');

/** The caller ends the call. */
export const bye: Step = [inDialog('BYE'), '<recv response="200"/>'].join('\n');

/** The bridge may end the call before `SippRun.cue()`; after it the caller does. */
export const byeOfEither: Step = [
  '<recv request="BYE" optional="true" next="1"/>',
  '<recv request="MESSAGE"/>',
  bye,
  '<nop next="2"/>',
  '<label id="1"/>',
  answer(),
  '<label id="2"/>',
  '<nop/>',
].join('\n');

/** An INVITE that is refused. */
export function refusedCall(status: number, sdp: string, ...patterns: string[]): Step {
  return [invite(sdp), receive(status, ...patterns), ackOfRefusal()].join('\n');
}

/** INVITE to ACK. */
export function call(sdp: string): Step {
  return [invite(sdp), receive(200), ack()].join('\n');
}

/** Re-INVITE to ACK; each pattern must be found in the answer. */
export function change(sdp: string, ...patterns: string[]): Step {
  return [reInvite(sdp), receive(200, ...patterns), ack()].join('\n');
}

/** All of them share one branch, as the INVITE, its CANCEL and the ACK of its refusal must. */
function outOfDialog(method: string, headers: Record<string, string> = {}, body?: Body): Step {
  return send(
    method === 'ACK' ? '' : 'retrans="500"',
    `${method} sip:[field0]@[remote_ip]:[remote_port] SIP/2.0`,
    {
      Via: 'SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-first-[pid]-[call_number]',
      To: dialledParty,
      ...headers,
    },
    body,
  );
}

function send(attributes: string, startLine: string, headers: Record<string, string>, body?: Body): Step {
  const all = {
    Via: 'SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
    From: '<sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]',
    'Call-ID': '[call_id]',
    CSeq: `[cseq] ${startLine.split(' ')[0] ?? ''}`,
    'Max-Forwards': '70',
    ...headers,
    ...(body === undefined ? {} : { 'Content-Type': body.type }),
    'Content-Length': body === undefined ? '0' : '[len]',
  };
  const text = lines(startLine, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), '');
  return `<send ${attributes}><![CDATA[${text}${body?.body ?? ''}]]></send>`;
}

function checks(patterns: readonly string[]): string {
  if (patterns.length === 0) return '';
  const each = patterns.map((pattern, index) => {
    return `<ereg regexp="${pattern}" search_in="msg" check_it="true" assign_to="${index + 1}"/>`;
  });
  // sipp refuses variables that are never used.
  const used = patterns.map((_, index) => `<log message="[$${index + 1}]"/>`);
  return `<action>${[...each, ...used].join('')}</action>`;
}

function lines(...all: string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
