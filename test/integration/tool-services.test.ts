import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Server } from 'node:net';

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

import type { McpSource } from '../../src/tools/agent-tool';
import { mcpOverHttp } from '../../src/tools/mcp-server';
import { outgoingHttp, type OutgoingRequest, type ResolveName } from '../../src/tools/outgoing-http';
import { selfSignedCertificate } from '../simulator/self-signed-certificate';

// Services of a tool, over real sockets on loopback: what a kind one answers, and what a hostile one may try.

const open: Server[] = [];

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  await Promise.all(
    open.splice(0).map((server) => {
      if ('closeAllConnections' in server) (server as ReturnType<typeof createPlain>).closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});

async function plainService(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  return await listen(createPlain(answer));
}

function requestTo(url: string, change: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return { method: 'POST', url: new URL(url), headers: {}, body: '{}', allowPrivate: true, ports: [], ...change };
}

const never = new AbortController().signal;
const here: ResolveName = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

describe('a request to a service', () => {
  test('reaches it with its body and headers, and brings its answer back', async () => {
    const port = await plainService((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ got: Buffer.concat(chunks).toString(), host: request.headers.host }));
      });
    });
    const answer = await outgoingHttp({ names: here })(requestTo(`http://shop.test:${port}/orders`), never);
    expect(answer).toMatchObject({ kind: 'answer', status: 200 });
    const body = answer.kind === 'answer' ? answer.body.toString() : '';
    expect(JSON.parse(body)).toEqual({ got: '{}', host: `shop.test:${port}` });
  });

  test('that has no limit is cut off at 256 kB', async () => {
    const port = await plainService((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect(await outgoingHttp()(requestTo(`http://127.0.0.1:${port}/`), never)).toMatchObject({ kind: 'too-large' });
  });

  test.each(['no word', 'half a head', 'a slow body'])('that answers with %s ends when it is given up', async (how) => {
    const abort = new AbortController();
    const port = await plainService((request, response) => {
      if (how === 'half a head') request.socket.write('HTTP/1.1 200 OK\r\nContent-');
      if (how === 'a slow body') response.writeHead(200, { 'Content-Length': '10' }).write('x');
      // The request has arrived: from here on the service only keeps us waiting.
      setImmediate(() => abort.abort());
    });
    const answer = await outgoingHttp()(requestTo(`http://127.0.0.1:${port}/`), abort.signal);
    expect(answer).toMatchObject({ kind: 'broken-off' });
  });

  test('that ends before its end is broken off', async () => {
    const port = await plainService((_request, response) => {
      response.writeHead(200, { 'Content-Length': '10' });
      response.write('x', () => response.destroy());
    });
    expect(await outgoingHttp()(requestTo(`http://127.0.0.1:${port}/`), never)).toMatchObject({ kind: 'broken-off' });
  });

  test('to a port where nobody listens is unreachable: nothing was asked yet', async () => {
    const port = await plainService(() => undefined);
    const [server] = open.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    expect(await outgoingHttp()(requestTo(`http://127.0.0.1:${port}/`), never)).toMatchObject({ kind: 'unreachable' });
  });

  test('does not follow a redirect by itself', async () => {
    const port = await plainService((_request, response) => {
      response.writeHead(302, { Location: 'http://169.254.169.254/' }).end();
    });
    const answer = await outgoingHttp()(requestTo(`http://127.0.0.1:${port}/`), never);
    expect(answer).toMatchObject({ kind: 'answer', status: 302 });
  });
});

describe('a name', () => {
  test('that means a private address reaches nothing without leave', async () => {
    let asked = 0;
    const port = await plainService((_request, response) => {
      asked += 1;
      response.end();
    });
    const strict = { allowPrivate: false, ports: [port] };
    const send = outgoingHttp({ names: here });
    expect(await send(requestTo(`https://shop.test:${port}/`, strict), never)).toMatchObject({
      kind: 'address-refused',
    });
    expect(await outgoingHttp()(requestTo(`https://localhost:${port}/`, strict), never)).toMatchObject({
      kind: 'address-refused',
    });
    expect(asked).toBe(0);
  });

  test('is asked for once, so that one that means another address a moment later changes nothing', async () => {
    const port = await plainService((_request, response) => response.end('here'));
    const answers = ['127.0.0.1', '169.254.169.254'];
    const asked: string[] = [];
    const rebinding: ResolveName = (name) => {
      asked.push(name);
      return Promise.resolve([{ address: answers[asked.length - 1] ?? '', family: 4 }]);
    };
    const send = outgoingHttp({ names: rebinding });
    const answer = await send(requestTo(`http://shop.test:${port}/`), never);
    expect(answer).toMatchObject({ kind: 'answer', body: Buffer.from('here') });
    expect(asked).toEqual(['shop.test']);
    expect(await send(requestTo(`http://shop.test:${port}/`), never)).toMatchObject({ kind: 'address-refused' });
  });
});

describe('over TLS', () => {
  test('a service must prove its name', async () => {
    const { cert, key } = selfSignedCertificate('DNS:shop.test');
    const port = await listen(createSecure({ cert, key }, (_request, response) => response.end('well')));
    const trusted = outgoingHttp({ names: here, ca: cert });
    expect(await trusted(requestTo(`https://shop.test:${port}/`), never)).toMatchObject({ kind: 'answer' });
    expect(await trusted(requestTo(`https://other.test:${port}/`), never)).not.toMatchObject({ kind: 'answer' });
    const untrusting = outgoingHttp({ names: here });
    expect(await untrusting(requestTo(`https://shop.test:${port}/`), never)).not.toMatchObject({ kind: 'answer' });
  });
});

describe('an MCP server in our network', () => {
  async function mcpService(): Promise<McpSource> {
    const port = await plainService((request, response) => {
      const server = new McpServer({ name: 'warehouse', version: '1' });
      server.registerTool(
        'stock.count',
        { description: 'How many there are.', inputSchema: { article: z.string() } },
        ({ article }) => ({ content: [{ type: 'text', text: `${article}: 3` }] }),
      );
      server.registerTool('fails', { description: 'Fails.' }, () => {
        throw new Error('no such article');
      });
      const transport = new StreamableHTTPServerTransport({});
      void server
        .connect(transport as Parameters<typeof server.connect>[0])
        .then(() => transport.handleRequest(request, response));
    });
    return {
      url: `http://127.0.0.1:${port}/mcp`,
      authorization: undefined,
      allowedTools: undefined,
      calledBy: 'bridge',
      timeoutMs: 8_000,
      allowPrivate: true,
      ports: [],
    };
  }
  const options = { timeoutMs: 8_000, signal: never, onProgress: () => undefined };
  const noSecret = (): never => {
    throw new Error('no secret is needed');
  };

  test('lists its tools and answers them', async () => {
    const server = mcpOverHttp()(await mcpService(), noSecret);
    expect(await server.list(never)).toEqual([
      expect.objectContaining({ name: 'stock.count', description: 'How many there are.' }),
      expect.objectContaining({ name: 'fails' }),
    ]);
    expect(await server.call('stock.count', { article: 'lamp' }, options)).toEqual({ text: 'lamp: 3', failed: false });
    expect(await server.call('fails', {}, options)).toEqual({ text: 'no such article', failed: true });
    await server.close();
  });

  test('is not reached where its address may not be', async () => {
    const source = { ...(await mcpService()), allowPrivate: false };
    await expect(mcpOverHttp()(source, noSecret).list(never)).rejects.toThrow('private network');
  });
});
