select count(*) from {{ ref('shops') }}
