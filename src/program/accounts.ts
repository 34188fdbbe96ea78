import type { ProviderSettings } from '../auth/index.ts'
import type { Config } from '../config/index.ts'
import type { Logger, Mailer } from '../domain/index.ts'
import { createMailer } from '../mail/index.ts'

/** Who else may tell who somebody is, as configured. */
export function providerSettings(config: Config): ProviderSettings {
  const { githubClientId, githubClientSecret, googleClientId, googleClientSecret, googleUrl } = config
  return {
    github:
      githubClientId === null || githubClientSecret === null
        ? null
        : {
            clientId: githubClientId,
            clientSecret: githubClientSecret,
            loginUrl: config.githubUrl,
            apiUrl: config.githubApiUrl,
          },
    google:
      googleClientId === null || googleClientSecret === null
        ? null
        : {
            clientId: googleClientId,
            clientSecret: googleClientSecret,
            authorizeUrl: `${googleUrl ?? 'https://accounts.google.com'}/o/oauth2/v2/auth`,
            tokenUrl: `${googleUrl ?? 'https://oauth2.googleapis.com'}/token`,
            userInfoUrl: `${googleUrl ?? 'https://openidconnect.googleapis.com'}/v1/userinfo`,
          },
  }
}

/** Null where no mail is sent. */
export function mailerOf({ smtpUrl, mailFrom }: Config, logger: Logger): (Mailer & AsyncDisposable) | null {
  return smtpUrl === null || mailFrom === null ? null : createMailer({ smtpUrl, from: mailFrom, logger })
}
