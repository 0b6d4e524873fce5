module.exports = {
  async up(queryInterface, { INTEGER, STRING, BOOLEAN }) {
    await queryInterface.createTable('users', {
      id: { type: INTEGER, primaryKey: true, autoIncrement: true },
      username: { type: STRING(32), allowNull: false, unique: true },
      email: { type: STRING(100), allowNull: false },
      is_staff: { type: BOOLEAN, allowNull: false, defaultValue: false },
      is_bot: { type: BOOLEAN, allowNull: false, defaultValue: false },
      profile_picture: { type: STRING(200), allowNull: true },
    });
    await queryInterface.createTable('join_requests', {
      room_id: { type: STRING(36), primaryKey: true },
      user_id: { type: INTEGER, primaryKey: true },
    });
    await queryInterface.createTable('blocks', {
      blocker_id: { type: INTEGER, primaryKey: true },
      blocked_id: { type: INTEGER, primaryKey: true },
    });
  },
  async down(queryInterface) {
    for (const table of ['blocks', 'join_requests', 'users']) await queryInterface.dropTable(table);
  },
};
