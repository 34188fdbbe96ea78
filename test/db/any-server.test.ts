import { testServerUrl } from '../support/database.ts'
import { testAnyServer } from './fixtures/any-server.ts'

// The same on other servers: external.test.ts.
testAnyServer(testServerUrl)
