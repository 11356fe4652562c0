import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import type { AdminClientOptions } from './admin-client';
import { AdminClient } from './admin-client';
import type { Application } from './application';

type SharedOptions = Omit<AdminClientOptions, 'onRoute' | 'onClosed'>;

export interface AdminServerOptions extends SharedOptions {
  readonly clientsMax: number;
}

/** The admin port: applications log in, say which methods they want, and get them in turn. */
export class AdminServer {
  readonly port: number;
  readonly #server: Server;
  readonly #options: AdminServerOptions;
  readonly #clients = new Set<AdminClient>();
  readonly #routes: Routes;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, options: AdminServerOptions, routes: Routes) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#options = options;
    this.#routes = routes;
    server.on('connection', (socket) => {
      if (this.#clients.size >= options.clientsMax) {
        options.stats.adminLoginsRefused += 1;
        socket.on('error', () => undefined);
        socket.destroy();
        return;
      }
      const client: AdminClient = new AdminClient(socket, {
        ...options,
        onRoute: (verb, wanted) => (wanted ? routes.add(verb, client) : routes.remove(verb, client)),
        onClosed: () => this.#forget(client),
      });
      this.#clients.add(client);
    });
    server.on('error', () => undefined);
  }

  /** Rejects with the system's error when the address cannot be bound. */
  static open(
    at: { address: string; port: number },
    options: AdminServerOptions,
    routes: Routes,
  ): Promise<AdminServer> {
    const server = createServer({ noDelay: true, keepAlive: true });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: at.address, port: at.port, exclusive: true }, () => {
        server.removeAllListeners('error');
        resolve(new AdminServer(server, options, routes));
      });
    });
  }

  /** Ends the calls of every application; their connections stay until `close`. */
  dropApplications(): void {
    for (const client of this.#clients) {
      this.#routes.removeAll(client);
      this.#options.agent.dropApplication(client);
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const client of this.#clients) client.close();
    });
    return this.#closing;
  }

  #forget(client: AdminClient): void {
    if (!this.#clients.delete(client)) return;
    this.#routes.removeAll(client);
    this.#options.agent.dropApplication(client);
  }
}

/** Which application wants which method. Each wants a method once, however often it says so. */
export class Routes {
  readonly #byVerb = new Map<string, Application[]>();
  #methods: readonly string[] = [];

  /** What somebody wants, in upper case. */
  get methods(): readonly string[] {
    return this.#methods;
  }

  add(verb: string, application: Application): void {
    const applications = this.#byVerb.get(verb) ?? [];
    if (!applications.includes(application)) this.#byVerb.set(verb, [...applications, application]);
    this.#collectMethods();
  }

  remove(verb: string, application: Application): void {
    const left = (this.#byVerb.get(verb) ?? []).filter((other) => other !== application);
    if (left.length > 0) this.#byVerb.set(verb, left);
    else this.#byVerb.delete(verb);
    this.#collectMethods();
  }

  removeAll(application: Application): void {
    for (const verb of [...this.#byVerb.keys()]) this.remove(verb, application);
  }

  /** The application whose turn it is, undefined when none wants the method. */
  next(method: string): Application | undefined {
    const verb = method.toLowerCase();
    const [first, ...others] = this.#byVerb.get(verb) ?? [];
    if (first !== undefined) this.#byVerb.set(verb, [...others, first]);
    return first;
  }

  #collectMethods(): void {
    this.#methods = [...this.#byVerb.keys()].filter((verb) => !verb.includes(':')).map((verb) => verb.toUpperCase());
  }
}
