// What jsforce says and hears; prints one JSON line for each check. Run by jsforce.py, with jsforce on NODE_PATH.
const fs = require('fs');
const jsforce = require('jsforce');

const [instanceUrl, accessToken, zipPath, brokenPath] = process.argv.slice(2);
const connection = new jsforce.Connection({ instanceUrl, accessToken, version: '66.0' });
connection.metadata.pollInterval = 200;
const options = { rollbackOnError: true, singlePackage: true };
const zip = () => fs.readFileSync(zipPath);

async function check(what, ask, right) {
  try {
    const found = await ask();
    const ok = right(found);
    console.log(JSON.stringify({ what, ok, said: ok ? '' : JSON.stringify(found).slice(0, 600) }));
    return found;
  } catch (error) {
    console.log(JSON.stringify({ what, ok: false, said: String(error.stack || error).slice(0, 600) }));
    return {};
  }
}

async function refused(ask) {
  try {
    return await ask();
  } catch (error) {
    return { refused: error.errorCode || error.name, message: error.message };
  }
}

async function main() {
  const metadata = connection.metadata;
  await check('identity by query', () => connection.query('SELECT Id, Name FROM Organization'), (r) => r.totalSize === 1);
  await check('tooling query', () => connection.tooling.query('SELECT Name FROM ApexClass LIMIT 2'), (r) => r.records.length === 2);
  await check('limits', () => connection.limits(), (r) => r.DailyApiRequests.Max > 0);
  const soap = await check('deploy over SOAP', () => metadata.deploy(zip(), options).complete(true), (r) => r.success && r.status === 'Succeeded');
  await check('checkDeployStatus', () => metadata.checkDeployStatus(soap.id, true), (r) => r.done === true && r.id === soap.id);
  const rest = await check('deploy over REST', () => metadata.deployRest(zip(), options).complete(true), (r) => r.success === true);
  await check('a REST job has an id of its own', async () => rest.id, (id) => id !== soap.id);
  await check(
    'a deployment that does not compile',
    () => metadata.deploy(fs.readFileSync(brokenPath), options).complete(true),
    (r) => r.success === false && r.status === 'Failed' && [].concat(r.details.componentFailures)[0].fullName === 'Broken',
  );
  await check('list', () => metadata.list({ type: 'ApexClass' }, '66.0'), (r) => r.some((each) => each.fullName === 'Greeter'));
  await check('describe', () => metadata.describe('66.0'), (r) => r.metadataObjects.length > 20);
  const request = { apiVersion: '66.0', unpackaged: { types: [{ members: ['Greeter'], name: 'ApexClass' }], version: '66.0' } };
  await check('retrieve', () => metadata.retrieve(request).complete(), (r) => r.success === true && r.zipFile.startsWith('UEsDB'));
  await check('quick deploy of a bad id', () => refused(() => metadata.deployRecentValidation({ id: '0Af000000000001AAA', rest: false })), (r) => /INVALID_ID_FIELD/.test(r.refused + r.message));
  await check('quick deploy of a bad id over REST', () => refused(() => metadata.deployRecentValidation({ id: '0Af000000000001AAA', rest: true })), (r) => /NOT_FOUND/.test(r.refused + r.message));
  await check('a wrong query', () => refused(() => connection.query('SELECT Nothing FROM Organization')), (r) => r.refused === 'INVALID_FIELD');
}

main();
