import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { isPrivateRange, isProxyRange, REPLICA_ROLES, Secret, type ReplicaRole } from '../domain/index.ts'

/** What a setting accepts: the reading of its text, and the words that follow "is not". */
export interface Value<T> {
  readonly schema: z.ZodType<T, string>
  readonly accepts: string
}

export function wholeNumber(min: number, max: number): Value<number> {
  return {
    schema: z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .refine((value) => value >= min && value <= max),
    accepts: `a whole number from ${min} to ${max}`,
  }
}

export const price: Value<{ readonly amount: number; readonly currency: string }> = {
  schema: z
    .string()
    .regex(/^\d{1,9}(?:\.\d{1,9})? [A-Z]{3}$/)
    .transform((text) => ({ amount: Number(text.slice(0, -4)), currency: text.slice(-3) })),
  accepts: 'an amount and a currency, such as 0.005 EUR',
}

export function oneOf<const T extends string>(values: readonly [T, ...T[]]): Value<T> {
  return { schema: z.string().pipe(z.enum(values)), accepts: `one of ${values.join(', ')}` }
}

export const yesOrNo: Value<boolean> = {
  schema: z
    .string()
    .pipe(z.enum(['true', 'false', '1', '0']))
    .transform((value) => value === 'true' || value === '1'),
  accepts: 'true or false',
}

// Host names as in RFC 1123; a colon in them would be a port, which has its own setting.
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i

export const host: Value<string> = {
  schema: z
    .string()
    .refine((value) => isIP(value) !== 0 || (HOST_NAME.test(value) && !/^[\d.]+$/.test(value))),
  accepts: 'an IP address or a host name without a port',
}

export const folder: Value<string> = {
  schema: z
    .string()
    // An unexpanded ~ would make a folder of that name in the working directory.
    .refine((value) => !value.startsWith('~') && !value.includes('\0'))
    .transform((value) => resolve(value)),
  accepts: 'the path of a folder (write the home directory out, ~ is not expanded here)',
}

/** A path; `unix://` may stand before it, as in `DOCKER_HOST`. */
export const unixSocket: Value<string> = {
  schema: z
    .string()
    .transform((value) => value.replace(/^unix:\/\//, ''))
    .refine((value) => !value.includes('://') && !value.includes('\0') && !value.startsWith('~'))
    .transform((value) => resolve(value)),
  accepts: 'the path of a Unix socket of this machine',
}

/** Origins separated by commas; without a slash at the end. */
export const origins: Value<readonly string[]> = {
  schema: z
    .string()
    .transform((value) =>
      value
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
    )
    .refine((list) =>
      list.every((one) => {
        const url = URL.parse(one)
        return url !== null && /^https?:$/.test(url.protocol) && url.origin === one
      }),
    ),
  accepts: 'a list of origins such as https://login.example.com, separated by commas',
}

export const origin: Value<string> = {
  schema: z
    .string()
    .refine((value) => {
      const url = URL.parse(value)
      if (url === null || !/^https?:$/.test(url.protocol)) return false
      return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
    })
    .transform((value) => new URL(value).origin),
  accepts: 'an http or https address without a path',
}

/** Origins apart from the public internet; what is sent there is secret, so plain http never leaves this machine. */
export const remoteOrigins: Value<readonly string[]> = {
  schema: z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine((parts) =>
      parts.every((part) => {
        const url = URL.parse(part)
        if (
          url === null ||
          url.pathname !== '/' ||
          url.search !== '' ||
          url.hash !== '' ||
          url.username !== ''
        )
          return false
        return (
          url.protocol === 'https:' ||
          (url.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
        )
      }),
    )
    .transform((parts) => parts.map((part) => new URL(part).origin)),
  accepts: 'a list of https addresses without a path (http for this machine), separated by commas',
}

/** One range of addresses, in CIDR notation. */
export const range: Value<string> = {
  schema: z.string().refine((value) => {
    const [, address = '', bits = ''] = /^([\da-f.:]+)\/(\d{1,3})$/i.exec(value) ?? []
    const family = isIP(address)
    return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128)
  }),
  accepts: 'a range of addresses such as 10.20.0.0/24',
}

export const privateRanges: Value<readonly string[]> = {
  schema: z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine((parts) => parts.every(isPrivateRange)),
  accepts:
    'a list of addresses and ranges within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or fc00::/7, separated by commas',
}

export const roles: Value<readonly ReplicaRole[]> = {
  schema: z
    .string()
    .transform((text) => text.split(',').map((word) => word.trim()))
    .pipe(z.array(z.enum(REPLICA_ROLES)).min(1))
    .transform((named) => REPLICA_ROLES.filter((role) => named.includes(role))),
  accepts: `one or more of ${REPLICA_ROLES.join(', ')}, separated by commas`,
}

export const proxies: Value<readonly string[]> = {
  schema: z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine((parts) => parts.every(isProxyRange)),
  accepts: 'a list of addresses and ranges, loopback or private, separated by commas',
}

/** Host names; null for any, empty for none. */
export const hosts: Value<readonly string[] | null> = {
  schema: z
    .string()
    .refine((text) => /^(?:[a-z0-9-]+\.)*[a-z0-9-]+(?: *, *(?:[a-z0-9-]+\.)*[a-z0-9-]+)*$/i.test(text))
    .transform((text) => {
      if (text === 'any') return null
      return text === 'none' ? [] : text.split(',').map((name) => name.trim().toLowerCase())
    }),
  accepts: 'host names separated by commas, any or none',
}

/** An address below which others lie; without a slash at the end. */
export const httpAddress: Value<string> = {
  schema: z
    .string()
    .refine((value) => {
      const url = URL.parse(value)
      if (url === null || !/^https?:$/.test(url.protocol)) return false
      return url.search === '' && url.hash === '' && url.username === '' && url.password === ''
    })
    .transform((value) => new URL(value).href.replace(/\/+$/, '')),
  accepts: 'an http or https address without a query and without a password',
}

/** The same, or nothing: then what is there is not asked. */
export const httpAddressOrNone: Value<string | null> = {
  schema: z.string().pipe(z.union([z.literal('').transform(() => null), httpAddress.schema])),
  accepts: `${httpAddress.accepts}, or empty`,
}

export const clientId: Value<string> = {
  schema: z.string().regex(/^[\w.-]{1,200}$/),
  accepts: 'a client id',
}

export const smtpUrl: Value<Secret> = {
  schema: z
    .string()
    .refine((value) => /^smtps?:\/\/[^/]/.test(value) && URL.canParse(value))
    .transform((value) => new Secret(value)),
  accepts: 'the address of a mail server such as smtps://user:password@mail.example.com:465',
}

/** `Name <address>` or the address alone; nothing that could end a header. */
export const mailAddress: Value<string> = {
  schema: z.string().regex(/^(?:[^<>\p{Cc}"]{1,80} <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/u),
  accepts: 'an address such as Catwalk <catwalk@example.com>',
}

export const modelName: Value<string> = {
  schema: z.string().regex(/^[\w.:/@~-]{1,200}$/),
  accepts: 'the name of a model',
}

export const imageName: Value<string> = {
  schema: z.string().regex(/^[a-z0-9][a-z0-9._/:-]{0,254}(?:@sha256:[0-9a-f]{64})?$/),
  accepts: 'the name of an image, with a tag or digest',
}

const REGISTRY_HOST = /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/

export const imageRegistries: Value<readonly string[]> = {
  schema: z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim().toLowerCase()))
    .refine((parts) => parts.every((part) => REGISTRY_HOST.test(part))),
  accepts: 'hosts with their ports, such as 127.0.0.1:5000, separated by commas',
}

export const word: Value<string> = {
  schema: z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/),
  accepts: 'a name of letters, digits, points and hyphens',
}

export const contextName: Value<string> = {
  schema: z.string().regex(/^[A-Za-z0-9][\w.:/@-]{0,252}$/),
  accepts: 'the name of a context',
}

export const databaseUrl: Value<Secret> = {
  schema: z
    .string()
    .refine((value) => /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value))
    .transform((value) => new Secret(value)),
  accepts: 'a PostgreSQL address such as postgresql://user:password@host:5432/name?sslmode=require',
}

export const secret: Value<Secret> = {
  schema: z.string().transform((value) => new Secret(value)),
  accepts: 'text',
}

export const stepName: Value<string> = {
  schema: z.string().regex(/^[a-z][a-z0-9._:-]{0,63}$/),
  accepts: 'the name of a step, in lower-case letters, digits, dots and hyphens',
}
