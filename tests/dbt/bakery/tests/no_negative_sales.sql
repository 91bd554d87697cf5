select * from {{ ref('shops') }} where sales < 0
