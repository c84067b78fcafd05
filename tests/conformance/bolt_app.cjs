// A Bolt app that does one of each thing, written as Bolt's documentation shows it. Run by bolt_js.py, with
// @slack/bolt on NODE_PATH; prints {"ready": true} once it answers.
const { App, HTTPReceiver, LogLevel, SocketModeReceiver } = require('@slack/bolt');

const { API_URL, APP_TOKEN, BOT_TOKEN, PORT, SIGNING_SECRET } = process.env;
const clientOptions = { slackApiUrl: API_URL };
const receiver = PORT
  ? new HTTPReceiver({ signingSecret: SIGNING_SECRET, logLevel: LogLevel.ERROR })
  : new SocketModeReceiver({ appToken: APP_TOKEN, installerOptions: { clientOptions }, logLevel: LogLevel.ERROR });
const app = new App({ token: BOT_TOKEN, receiver, clientOptions, logLevel: LogLevel.ERROR });

const plain = (text) => ({ type: 'plain_text', text });
const section = (text) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const button = (action_id, label, value) => ({ type: 'button', action_id, text: plain(label), value });
const input = (block_id, label, element) => ({ type: 'input', block_id, optional: true, label: plain(label), element: { action_id: 'a', ...element } });
const modal = (title, ...blocks) => ({
  type: 'modal', callback_id: 'form', notify_on_close: true, title: plain(title), submit: plain('Go'), private_metadata: 'kept', blocks,
});
const form = (title = 'Form') => modal(
  title,
  input('name', 'Name', { type: 'plain_text_input' }),
  input('who', 'Who', { type: 'multi_users_select' }),
  input('day', 'Day', { type: 'datepicker' }),
  input('find', 'Find', { type: 'external_select', action_id: 'find', min_query_length: 0 }),
  { type: 'actions', block_id: 'row', elements: [button('redraw', 'Redraw', '1')] },
);
const card = [
  section('*REL-1*'),
  {
    type: 'actions',
    block_id: 'row',
    elements: [
      button('go', 'Go', 'REL-1'),
      { type: 'static_select', action_id: 'pick', placeholder: plain('Pick'), options: ['uat', 'prod'].map((each) => ({ text: plain(each.toUpperCase()), value: each })) },
      { type: 'overflow', action_id: 'more', options: [{ text: plain('Later'), value: 'later' }] },
    ],
  },
];
const refusal = (asked) => asked.then(() => 'done', (error) => error.data?.error || String(error));

const says = {
  ack: ({ ack }) => ack('acknowledged'),
  say: async ({ ack, say }) => { await ack(); await say('said'); },
  respond: async ({ ack, respond }) => { await ack(); await respond({ response_type: 'in_channel', text: 'responded', blocks: [section('responded')] }); },
  card: async ({ ack, say }) => { await ack(); await say({ text: 'REL-1', blocks: card }); },
  form: async ({ ack, client, command }) => { await ack(); await client.views.open({ trigger_id: command.trigger_id, view: form() }); },
  twice: async ({ ack, client, command, respond }) => {
    await ack();
    const open = () => refusal(client.views.open({ trigger_id: command.trigger_id, view: form() }));
    await respond(`${await open()} ${await open()}`);
  },
  refused: async ({ ack, client, command, respond }) => {
    await ack();
    const channel = command.channel_id;
    await respond([
      await refusal(client.chat.postMessage({ channel, text: 'x', blocks: [{ type: 'shout' }] })),
      await refusal(client.chat.postMessage({ channel: 'C0NOWHERE', text: 'x' })),
      await refusal(client.chat.update({ channel, ts: '1.000001', text: 'x' })),
    ].join(' '));
  },
  groups: async ({ ack, client, respond }) => {
    await ack();
    const { usergroups } = await client.usergroups.list({ include_users: true });
    const { users } = await client.usergroups.users.list({ usergroup: usergroups[0].id });
    await respond(`${usergroups[0].handle}: ${users.join(' ')} of ${usergroups[0].users.length}`);
  },
  file: async ({ ack, client, command }) => {
    await ack();
    await client.filesUploadV2({ channel_id: command.channel_id, filename: 'log.txt', content: 'one\ntwo', title: 'The log', initial_comment: 'as asked' });
  },
  edit: async ({ ack, client, say }) => {
    await ack();
    const { channel, ts } = await say('before');
    await client.chat.update({ channel, ts, text: 'after', blocks: [section('after')] });
    const { messages } = await client.conversations.replies({ channel, ts });
    await client.reactions.add({ channel, timestamp: ts, name: 'eyes' });
    await client.chat.postMessage({ channel, thread_ts: ts, text: `${messages.length} ${messages[0].text}` });
  },
  people: async ({ ack, client, respond }) => {
    await ack();
    let active = 0;
    for await (const page of client.paginate('users.list', { limit: 3 })) {
      active += page.members.filter((each) => !each.deleted && !each.is_bot && each.id !== 'USLACKBOT').length;
    }
    await respond(`${active} people`);
  },
};
app.command('/release', (args) => says[args.command.text.split(' ')[0]](args));

app.view('form', async ({ ack, body, client, view }) => {
  const { name, who, day, find } = view.state.values;
  switch (name.a.value) {
    case 'bad': return ack({ response_action: 'errors', errors: { name: 'Two words, please.' } });
    case 'update': return ack({ response_action: 'update', view: form('Updated') });
    case 'push': return ack({ response_action: 'push', view: form('Pushed') });
    case 'clear': return ack({ response_action: 'clear' });
  }
  await ack();
  const told = [name.a.value, who.a.selected_users.join(), day.a.selected_date, find.find.selected_option?.value, view.private_metadata];
  return client.chat.postEphemeral({ channel: 'C0RELEASES', user: body.user.id, text: told.join(' ') });
});
app.view({ callback_id: 'form', type: 'view_closed' }, async ({ ack, body, client }) => {
  await ack();
  await client.chat.postEphemeral({ channel: 'C0RELEASES', user: body.user.id, text: `closed ${body.is_cleared}` });
});
app.action('redraw', async ({ ack, body, client }) => {
  await ack();
  const { id, hash } = body.view;
  await client.views.update({ view_id: id, hash, view: form('Redrawn') });
  const stale = await refusal(client.views.update({ view_id: id, hash, view: form('Stale') }));
  await client.chat.postEphemeral({ channel: 'C0RELEASES', user: body.user.id, text: stale });
});
app.action('go', async ({ ack, action, respond }) => { await ack(); await respond({ replace_original: true, text: `went ${action.value}` }); });
app.action('pick', async ({ ack, action, respond }) => { await ack(); await respond({ replace_original: false, text: `picked ${action.selected_option.value}` }); });
app.action('more', async ({ ack, action, say }) => { await ack(); await say(`chose ${action.selected_option.value}`); });
app.options('find', ({ ack, options }) => ack({ options: [{ text: plain(`Found ${options.value}`), value: `v-${options.value}` }] }));
app.shortcut('release_new', async ({ ack, client, shortcut }) => { await ack(); await client.views.open({ trigger_id: shortcut.trigger_id, view: form('By shortcut') }); });
app.shortcut('report', async ({ ack, respond, shortcut }) => { await ack(); await respond(`reported ${shortcut.message.text}`); });
app.event('app_mention', ({ event, say }) => say({ text: `heard ${event.text}`, thread_ts: event.ts }));
app.event('app_home_opened', ({ client, event }) => client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [section(`Home of <@${event.user}>`)] } }));
app.event('reaction_added', ({ event, say }) => say(`thanks for ${event.reaction}`));
app.message('ping', ({ say }) => say('pong'));
app.message(async ({ message, say }) => { if (message.subtype === 'message_changed' && !message.message.bot_id) await say(`now ${message.message.text}`); });
app.error(async (error) => { console.error(error); });

app.start(PORT ? Number(PORT) : undefined).then(() => console.log(JSON.stringify({ ready: true })));
