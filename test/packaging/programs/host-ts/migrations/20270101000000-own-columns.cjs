const { createTable } = require('./chat-support/v1/table.cjs');

const columns = ({ STRING, BOOLEAN, DATE, INTEGER }) => [
  ['chat_messages', 'priority', { type: STRING(10), allowNull: false, defaultValue: 'normal' }],
  ['chat_messages', 'is_pinned', { type: BOOLEAN, allowNull: false, defaultValue: false }],
  ['chat_messages', 'expiry_date', { type: DATE(3), allowNull: true }],
  ['chat_group_chats', 'welcome_message', { type: STRING(500), allowNull: false, defaultValue: '' }],
  ['chat_group_chats', 'caretaker_id', { type: INTEGER, allowNull: true }],
  ['chat_room_properties', 'theme', { type: STRING(20), allowNull: false, defaultValue: 'light' }],
];

const tickets = createTable('support_tickets', (t) => [
  t.column('room_id', t.uuid),
  t.column('name', t.string(64)),
  t.column('requester_id', t.userId, 'NULL'),
  t.column('status', t.string(10), "NOT NULL DEFAULT 'open'"),
  t.primaryKey('room_id'),
  t.belongsTo('room_id', 'rooms'),
  t.byUser('requester_id'),
]);

module.exports = {
  async up(queryInterface, Sequelize) {
    for (const [table, name, column] of columns(Sequelize)) await queryInterface.addColumn(table, name, column);
    await tickets.up(queryInterface, Sequelize);
  },
  async down(queryInterface, Sequelize) {
    await tickets.down(queryInterface, Sequelize);
    for (const [table, name] of columns(Sequelize)) {
      await queryInterface.sequelize.query(`ALTER TABLE ${table} DROP COLUMN ${name}`);
    }
  },
};
