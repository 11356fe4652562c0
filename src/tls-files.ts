import { readFile } from 'node:fs/promises';
import type { Settings } from './config/settings';
import { messageOf } from './runtime/errors';
import type { TlsOptions } from './sip-server/tls-setup';

/**
 * What the TLS settings name, read; undefined when no listener speaks TLS. Relative paths start at what `resolvePath`
 * adds. Rejects with an Error that names the setting whose file cannot be read.
 */
export async function readTlsFiles(
  { sipListen, drachtioListen, sipTlsCert, sipTlsKey, sipTlsVerify }: Settings,
  resolvePath: (path: string) => string,
): Promise<TlsOptions | undefined> {
  const speaksTls = sipListen.some(({ transport }) => transport === 'tls') || drachtioListen?.tls === true;
  if (!speaksTls || sipTlsCert === undefined || sipTlsKey === undefined) return undefined;
  const [cert, key] = await Promise.all([
    readNamed('RINGBRIDGE_SIP_TLS_CERT', resolvePath(sipTlsCert)),
    readNamed('RINGBRIDGE_SIP_TLS_KEY', resolvePath(sipTlsKey)),
  ]);
  return { cert, key, verifyServers: sipTlsVerify === 'yes' };
}

async function readNamed(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`${setting}: ${messageOf(cause)}`, { cause });
  }
}
