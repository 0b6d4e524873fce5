'use strict';

/** The app's own table. It sorts before the chat's migrations, which refer to it. */
module.exports = {
  async up(queryInterface, Sequelize) {
    // One statement, so that two processes starting at once cannot leave it half done.
    await queryInterface.createTable(
      'users',
      {
        id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true, allowNull: false },
        username: { type: Sequelize.STRING(32), allowNull: false, unique: true },
        email: { type: Sequelize.STRING(254), allowNull: true },
        first_name: { type: Sequelize.STRING(150), allowNull: true },
        last_name: { type: Sequelize.STRING(150), allowNull: true },
        password_hash: { type: Sequelize.STRING(255), allowNull: false },
        created_at: { type: Sequelize.DATE(3), allowNull: false },
      },
      // Binary: "Alice" and "alice" are two users, as on SQLite.
      { charset: 'utf8mb4', collate: 'utf8mb4_bin' },
    );
  },

  async down(queryInterface) {
    await queryInterface.dropTable('users');
  },
};
