/** An SDP offer of a phone; `audio` and `session` lines are added to the section that they belong to. */
export function offer({
  address = '198.51.100.7',
  port = 4_000,
  formats = '0 8 101',
  protocol = 'RTP/AVP',
  audio = ['a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16'],
  session = [],
  direction = 'sendrecv',
}: {
  address?: string;
  port?: number;
  formats?: string;
  protocol?: string;
  audio?: string[];
  session?: string[];
  direction?: string;
} = {}): string {
  const family = address.includes(':') ? 'IP6' : 'IP4';
  const lines = [
    'v=0',
    `o=phone 1 1 IN ${family} ${address}`,
    's=call',
    `c=IN ${family} ${address}`,
    't=0 0',
    ...session,
    `m=audio ${port} ${protocol} ${formats}`,
    ...audio,
    `a=${direction}`,
  ];
  return lines.join('\r\n') + '\r\n';
}
