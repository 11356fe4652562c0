import { isIP } from 'node:net';

import { z } from 'zod';

import { durationMs } from '../realtime/agent-schema';
import { secretReference } from '../tools/tool-schema';

/** Names of schedules, destinations, trunks and agents. */
export function nameOf(what: string) {
  return z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'expected a letter, then letters, digits, _ and -, at most 64')
    .meta({ expected: `the name of ${what}` });
}

/** A SIP status that refuses (RFC 3261 section 21.4 to 21.6). */
export const rejectCode = z.number().int().min(400).max(699).meta({ expected: 'a SIP status from 400 to 699' });

/** A SIP address without headers, which a caller could be made to send (RFC 3261 section 19.1.5). */
export const sipAddressForm =
  /^sips?:[A-Za-z0-9._~!$&'()*+,;=%-]{1,100}@[A-Za-z0-9.[\]:-]{1,200}(?:;[A-Za-z0-9._=;-]{1,100})?$/;
/** A number that a trunk can dial. */
export const numberForm = /^[0-9+*#]{1,32}$/;
/** A phone that registered here, by the name of its user. */
export const userPrefix = 'user:';

const userForm = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
/** The user part of a phone's address. */
export const userName = z
  .string()
  .regex(userForm, 'expected letters, digits and . _ + -, at most 64')
  .meta({ expected: 'the name of a user, such as alice or 101' });

// A password that was written in the place of the map is as secret as in it.
export const userSchema = z
  .strictObject({ password: secretReference.describe('env:NAME or file:PATH; never the password itself.') })
  .meta({ expected: 'a map with password: env:NAME, or file:PATH', secret: true });
export type UserEntry = z.infer<typeof userSchema>;

const addressExpected =
  'a SIP address such as "sip:600@pbx.example.com", a number such as "+33123456789", or a user such as "user:alice"';
// Together they must fit into one frame of the SIP server, beside the description of the audio.
const headersMax = 10;
/** Octets of one header of an outgoing call, with its variables filled in. */
export const headerLengthMax = 300;
const headerName = z.string().regex(/^X-[A-Za-z0-9-]{1,60}$/, 'expected a header name that begins with X-');

const otherwise = z
  .union([
    nameOf('a destination'),
    z
      .strictObject({
        busy: nameOf('a destination').optional().describe('Where the call goes when the destination is busy.'),
        no_answer: nameOf('a destination').optional().describe('Where the call goes when nobody answers.'),
        failure: nameOf('a destination').optional().describe('Where the call goes when it cannot be reached.'),
      })
      .refine((map) => Object.keys(map).length > 0, 'expected at least one of busy, no_answer and failure'),
  ])
  .meta({ expected: 'the name of a destination, or a map with busy, no_answer and failure' });

const waitingExpected =
  'music, ringing, or file: and a WAV file inside the dialplan folder, such as file:sounds/hold.wav';

/** What a supervisor may do with a call that is up. */
export const supervisionModes = ['listen', 'whisper', 'take-over'] as const;
export type SupervisionMode = (typeof supervisionModes)[number];

export const destinationSchema = z.strictObject({
  to: z
    .string()
    .refine(isDestination, `expected ${addressExpected}`)
    .meta({ expected: addressExpected })
    .describe('A SIP address, a number that is dialled through a trunk, or user:NAME for the phones of a user.'),
  trunk: nameOf('a trunk')
    .optional()
    .describe('The trunk that a number is dialled through, or that a call to a SIP address is sent by.'),
  method: z
    .enum(['bridge', 'refer'])
    .default('bridge')
    .describe('bridge keeps the call here and joins the two; refer hands it over to the other side (SIP REFER).'),
  ring: durationMs({ atLeastMs: 5_000, atMostMs: 180_000 })
    .default(25_000)
    .describe('How long the destination may ring, 5s to 180s.'),
  otherwise: otherwise.optional().describe('Another destination for when this one is busy, silent or out of reach.'),
  headers: z
    .record(headerName, z.string().min(1).max(headerLengthMax))
    .refine((headers) => Object.keys(headers).length <= headersMax, `expected at most ${headersMax} headers`)
    .optional()
    .describe('Headers of the outgoing call; variables of the call may stand in them.'),
  waiting: z
    .union([z.enum(['music', 'ringing']), z.string().regex(/^file:.{1,200}$/, `expected ${waitingExpected}`)])
    .default('music')
    .meta({ expected: waitingExpected })
    .describe(
      'What the caller hears until the destination answers: our music, a ringing tone, or file: and a WAV file in this folder, over and over. Your own is also heard when the destination holds the caller and plays nothing.',
    ),
  supervisor: z
    .array(z.enum(supervisionModes))
    .min(1)
    .max(supervisionModes.length)
    .optional()
    .describe(
      'What may be done here with calls that are up, when the HTTP API asks for it: hear them (listen), speak to the agent alone (whisper), talk to the caller in its place (take-over). Without it, nothing.',
    ),
  limits: z
    .strictObject({
      calls: z.number().int().min(1).max(10_000).optional().describe('How many calls may be up to it at once.'),
      calls_per_minute: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe('How many calls to it may begin within a minute.'),
    })
    .optional()
    .describe('How many calls go there, in each process of the bridge; more are told that it is busy.'),
});
export type DestinationEntry = z.infer<typeof destinationSchema>;

const hostForm = /^(?:[A-Za-z0-9][A-Za-z0-9.-]{0,189}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const hostExpected = 'a host such as sip.example.com, 192.0.2.1:5070 or [2001:db8::1]';
const networkExpected = 'an address or a network such as 203.0.113.0/24';

export const trunkSchema = z.strictObject({
  addresses: z
    .array(
      z
        .string()
        .refine((text) => parseNetwork(text) !== undefined, `expected ${networkExpected}`)
        .meta({ expected: networkExpected }),
    )
    .min(1)
    .max(200)
    .optional()
    .describe(
      'The IP addresses and networks that calls of this trunk come from; without it, the host when that is an IP address.',
    ),
  host: z
    .string()
    .regex(hostForm, `expected ${hostExpected}`)
    .meta({ expected: hostExpected })
    .optional()
    .describe('Where calls through this trunk are sent: a name or an IP address, with a port if need be.'),
  transport: z
    .enum(['udp', 'tcp', 'tls'])
    .optional()
    .describe('How they are sent; without it, as DNS says, or over UDP.'),
  digest: z
    .strictObject({
      user: z.string().min(1).max(200).describe('The user name, or env:NAME or file:PATH.'),
      password: secretReference.describe('env:NAME or file:PATH; never the password itself.'),
      realm: z.string().min(1).max(200).optional().describe('The realm that may ask for it; without it, the host.'),
    })
    .optional()
    .describe('How this bridge proves who it is (RFC 3261 section 22).'),
  register: z
    .strictObject({
      expires: durationMs({ atLeastMs: 60_000, atMostMs: 86_400_000 })
        .default(300_000)
        .describe('How long a registration holds, 60s to 24h.'),
    })
    .optional()
    .describe('Registers at the host as the digest user, so that it knows where to send calls.'),
  caller_id: z
    .string()
    .regex(numberForm, 'expected a number such as "+33123456789"')
    .optional()
    .describe('The number that outgoing calls show (From and P-Asserted-Identity); without it, that of the caller.'),
  codecs: z
    .array(z.enum(['pcmu', 'pcma', 'g722', 'opus', 'g729']))
    .min(1)
    .max(5)
    .optional()
    .describe(
      'What is offered, the preferred first; beyond pcmu, pcma and, where it is built, opus it takes FreeSWITCH.',
    ),
});
export type TrunkEntry = z.infer<typeof trunkSchema>;

/** `203.0.113.0/24`, `2001:db8::1`; undefined when it is no address and no network. */
export function parseNetwork(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const match = /^([0-9A-Fa-f.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text);
  const address = match?.[1] ?? '';
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const prefix = Number(match?.[2] ?? bits);
  if (version === 0 || prefix > bits) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** The IP address of a trunk's host, which may carry a port; undefined when the host is a name. */
export function addressOfHost(host: string): string | undefined {
  const name = hostName(host);
  return isIP(name) === 0 ? undefined : name;
}

/** Without port and brackets. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function isDestination(text: string): boolean {
  const isUser = text.startsWith(userPrefix) && userForm.test(text.slice(userPrefix.length));
  return isUser || sipAddressForm.test(text) || numberForm.test(text);
}
